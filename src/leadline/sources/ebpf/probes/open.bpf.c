/* Files that were opened, by every call that opens; what a failed call asked for is not sent. */
struct open_arguments {
	u32 flags, call;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct open_arguments);
} opening SEC(".maps");
enum { CALL_OPEN = 1, CALL_CREAT, CALL_OPENAT, CALL_OPENAT2 };
#define CREAT_FLAGS 01101 /* O_WRONLY | O_CREAT | O_TRUNC */

static __always_inline int begin_open(u64 flags, u32 which)
{
	struct task_struct *task = bpf_get_current_task_btf();
	if (is_left_out(current_ns(task)))
		return 0;
	struct open_arguments *arguments = bpf_task_storage_get(&opening, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (arguments) {
		arguments->call = which;
		arguments->flags = flags;
	}
	return 0;
}
static __always_inline int end_open(long result, u32 which)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	if (is_left_out(ns_id))
		return 0;
	struct open_arguments *arguments = bpf_task_storage_get(&opening, task, 0, 0);
	if (!arguments || arguments->call != which)
		return 0;
	arguments->call = 0;
	struct file *file = result < 0 ? 0 : file_of(task, result);
	if (!file)
		return 0;
	struct sent_file sent = { .file = file, .ns_id = ns_id, .open_flags = arguments->flags, .kind = RECORD_OPEN };
	return send_file(task, &sent);
}
ON_CALL(open) { return begin_open(ARGUMENT(1), CALL_OPEN); }
ON_RETURN(open) { return end_open(call->ret, CALL_OPEN); }
ON_CALL(creat) { return begin_open(CREAT_FLAGS, CALL_CREAT); }
ON_RETURN(creat) { return end_open(call->ret, CALL_CREAT); }
ON_CALL(openat) { return begin_open(ARGUMENT(2), CALL_OPENAT); }
ON_RETURN(openat) { return end_open(call->ret, CALL_OPENAT); }
ON_CALL(openat2)
{
	u64 flags = 0;
	bpf_probe_read_user(&flags, sizeof(flags), TEXT(2));
	return begin_open(flags, CALL_OPENAT2);
}
ON_RETURN(openat2) { return end_open(call->ret, CALL_OPENAT2); }
