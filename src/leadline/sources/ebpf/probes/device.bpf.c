/* Device files that are made, as they were asked for: block and character devices. Whatever else is made so is altered. */
#define IS_BLOCK 0060000
#define IS_CHARACTER 0020000
static __always_inline int makes_device(long syscall, u64 mode, u64 device, s32 at, const char *path)
{
	u64 kind = mode & 0170000;
	alters(syscall, MAKES_SPECIAL, at, path);
	if (kind != IS_BLOCK && kind != IS_CHARACTER)
		return 0;
	return send_call(RECORD_DEVICE, syscall, NUMBERS(kind == IS_BLOCK, device, 0), path, 0);
}
ON_CALL(mknod) { return makes_device(call->id, ARGUMENT(1), ARGUMENT(2), CURRENT_FOLDER, TEXT(0)); }
ON_CALL(mknodat) { return makes_device(call->id, ARGUMENT(2), ARGUMENT(3), ARGUMENT(0), TEXT(1)); }
