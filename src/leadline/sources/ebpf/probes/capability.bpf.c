/* The kernel asked whether a process has a capability. The tracepoint exists since 6.14. */
struct capability_record {
	struct record_head head;
	s64 syscall;
	s32 capability, verdict;
};
LAYOUT(struct capability_record, capability_record)

/* A process that asks for memory is asked for SYS_ADMIN, which would allow a little more: that is no use of it. */
#define SYS_ADMIN 21
static __always_inline bool asks_for_memory(s64 syscall)
{
	switch (syscall) {
#if defined(__TARGET_ARCH_x86)
	case 9: case 10: case 12: case 25: case 29: case 56: case 57: case 58: case 59: case 322:
#else
	case 194: case 214: case 216: case 220: case 221: case 222: case 226: case 281:
#endif
	case 435:
		return true; /* mmap, mprotect, brk, mremap, shmget, clone, fork, vfork, execve, execveat, clone3 */
	}
	return false;
}

SEC("tp_btf/cap_capable")
int BPF_PROG(on_capability, const struct cred *cred, struct user_namespace *target, struct user_namespace *capable, int capability, int verdict)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	struct container *one = is_left_out(ns_id) ? 0 : admitted(ns_id);
	if (!one)
		return 0;
	s64 syscall = current_syscall(task);
	if (capability == SYS_ADMIN && asks_for_memory(syscall))
		return 0;
	u64 key = mix(mix(mix(mix(RECORD_CAPABILITY, ns_id), one->epoch), exe_id(task)), (u64)capability << 32 | (u32)verdict);
	if (is_repeated(RECORD_CAPABILITY, key) || is_entering(task, ns_id) || !within_budget(one, 1, RECORD_CAPABILITY))
		return 0;
	struct capability_record record = {};
	fill(&record.head, RECORD_CAPABILITY, task, ns_id);
	record.capability = capability;
	record.verdict = verdict;
	record.syscall = syscall;
	if (!emit(&record.head, sizeof(record), one))
		remember(key);
	return 0;
}
