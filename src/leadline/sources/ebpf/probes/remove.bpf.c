/* Files and folders removed or renamed, as they were asked for: the call may fail. And folders that were made: programs ask for
 * what is there already again and again, and that changes nothing. */
#define REMOVE_FOLDER 0x200
enum { REMOVES_FILE = 1, REMOVES_FOLDER, MAKES_FOLDER };
ON_CALL(unlink) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(REMOVES_FILE, 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(unlinkat) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(ARGUMENT(2) & REMOVE_FOLDER ? REMOVES_FOLDER : REMOVES_FILE, 0, 0), ARGUMENT(0), TEXT(1), NO_PATH, 0); }
ON_CALL(rmdir) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(REMOVES_FOLDER, 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(rename) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), CURRENT_FOLDER, TEXT(0), CURRENT_FOLDER, TEXT(1)); }
ON_CALL(renameat) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), ARGUMENT(0), TEXT(1), ARGUMENT(2), TEXT(3)); }
ON_CALL(renameat2) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), ARGUMENT(0), TEXT(1), ARGUMENT(2), TEXT(3)); }
struct folder_asked {
	const char *path;
	s32 at;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct folder_asked);
} making SEC(".maps");
static __always_inline int begin_folder(s32 at, const char *path)
{
	struct task_struct *task = bpf_get_current_task_btf();
	if (is_left_out(current_ns(task)))
		return 0;
	struct folder_asked *asked = bpf_task_storage_get(&making, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (asked) {
		asked->path = path;
		asked->at = at;
	}
	return 0;
}
static __always_inline int end_folder(long call, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct folder_asked *asked = bpf_task_storage_get(&making, task, 0, 0);
	if (!asked || !asked->path)
		return 0;
	const char *path = asked->path;
	asked->path = 0;
	return result ? 0 : send_paths(RECORD_REMOVE, call, NUMBERS(MAKES_FOLDER, 0, 0), asked->at, path, NO_PATH, 0);
}
ON_CALL(mkdir) { return begin_folder(CURRENT_FOLDER, TEXT(0)); }
ON_RETURN(mkdir) { return end_folder(call->id, call->ret); }
ON_CALL(mkdirat) { return begin_folder(ARGUMENT(0), TEXT(1)); }
ON_RETURN(mkdirat) { return end_folder(call->id, call->ret); }
