/* Device files that are made, as they were asked for: block and character devices. */
#define IS_BLOCK 0060000
#define IS_CHARACTER 0020000
static __always_inline int makes_device(long syscall, u64 mode, u64 device, const char *path)
{
	u64 kind = mode & 0170000;
	if (kind != IS_BLOCK && kind != IS_CHARACTER)
		return 0;
	return send_call(RECORD_DEVICE, syscall, NUMBERS(kind == IS_BLOCK, device, 0), path, 0);
}
ON_CALL(mknod) { return makes_device(call->id, ARGUMENT(1), ARGUMENT(2), TEXT(0)); }
ON_CALL(mknodat) { return makes_device(call->id, ARGUMENT(2), ARGUMENT(3), TEXT(1)); }
