/* Files changed otherwise than by writing to them: their owner, times, size, attributes; and sockets, pipes and devices that are
 * made. As it was asked for: the call may fail. */
enum { ALTERS_OWNER = 1, ALTERS_TIMES, ALTERS_SIZE, ALTERS_ATTRIBUTES, MAKES_SPECIAL };
static __always_inline int alters(long syscall, u64 what, s32 at, const char *path)
{
	return send_paths(RECORD_ALTER, syscall, NUMBERS(what, 0, 0), at, path, NO_PATH, 0);
}
ON_CALL(chown) { return alters(call->id, ALTERS_OWNER, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(lchown) { return alters(call->id, ALTERS_OWNER, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(fchown) { return alters(call->id, ALTERS_OWNER, ARGUMENT(0), 0); }
ON_CALL(fchownat) { return alters(call->id, ALTERS_OWNER, ARGUMENT(0), TEXT(1)); }
ON_CALL(utime) { return alters(call->id, ALTERS_TIMES, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(utimes) { return alters(call->id, ALTERS_TIMES, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(futimesat) { return alters(call->id, ALTERS_TIMES, ARGUMENT(0), TEXT(1)); }
ON_CALL(utimensat) { return alters(call->id, ALTERS_TIMES, ARGUMENT(0), TEXT(1)); }
ON_CALL(truncate) { return alters(call->id, ALTERS_SIZE, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(setxattr) { return alters(call->id, ALTERS_ATTRIBUTES, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(lsetxattr) { return alters(call->id, ALTERS_ATTRIBUTES, CURRENT_FOLDER, TEXT(0)); }
ON_CALL(fsetxattr) { return alters(call->id, ALTERS_ATTRIBUTES, ARGUMENT(0), 0); }
ON_CALL(bind)
{
	u16 family = 0;
	char first = 0;
	const char *address = TEXT(1);
	if (bpf_probe_read_user(&family, sizeof(family), address) || family != FAMILY_UNIX)
		return 0;
	if (bpf_probe_read_user(&first, sizeof(first), address + sizeof(family)) || !first)
		return 0; /* an abstract one has no file */
	return alters(call->id, MAKES_SPECIAL, CURRENT_FOLDER, address + sizeof(family));
}
