/* Forks and exits, where they are asked for; always the end of a container's first process, and a mount namespace that a process
 * of a container makes for itself: it is still that container, or leaving a namespace would be a way to vanish. */
struct fork_record {
	struct record_head head;
	u64 child_ns_id;
	u32 child_pid, unused;
};
LAYOUT(struct fork_record, fork_record)
struct exit_record {
	struct record_head head;
	s64 code;
};
LAYOUT(struct exit_record, exit_record)

static __always_inline int send_fork(struct task_struct *task, u64 ns_id, u64 child_ns_id, u32 child_pid)
{
	struct container *one = is_left_out(ns_id) ? 0 : admitted(ns_id);
	if (!one)
		return 0;
	bool is_apart = child_ns_id != ns_id && child_ns_id && ns_id != host_ns_id && !admitted(child_ns_id);
	if (is_apart)
		begin_container(child_ns_id);
	if (!is_apart && !with_processes)
		return 0;
	struct fork_record record = {};
	fill(&record.head, RECORD_FORK, task, ns_id);
	record.child_pid = child_pid;
	record.child_ns_id = child_ns_id;
	emit(&record.head, sizeof(record), one);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0;
	return send_fork(parent, ns_of(parent), ns_of(child), BPF_CORE_READ(child, tgid));
}
ON_RETURN(unshare)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 *before = bpf_task_storage_get(&leaving, task, 0, 0);
	if (!before || !*before)
		return 0;
	u64 from = *before, to = current_ns(task);
	*before = 0;
	return call->ret || from == to ? 0 : send_fork(task, from, to, task->tgid);
}
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (task->pid != task->tgid)
		return 0;
	u64 ns_id = current_ns(task);
	struct container *one = is_left_out(ns_id) ? 0 : admitted(ns_id);
	if (!one)
		return 0;
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid inner = {};
	if (level && level < 32)
		bpf_core_read(&inner, sizeof(inner), (void *)&pid->numbers[0] + level * bpf_core_type_size(struct upid));
	if (!with_processes && inner.nr != 1)
		return 0;
	struct exit_record record = {};
	fill(&record.head, RECORD_EXIT, task, ns_id);
	if (inner.nr == 1)
		record.head.flags |= IS_FIRST_PROCESS;
	record.code = BPF_CORE_READ(task, exit_code);
	emit(&record.head, sizeof(record), one);
	return 0;
}
