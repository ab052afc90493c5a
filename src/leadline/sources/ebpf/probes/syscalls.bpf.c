/* One bit for each call that a container used, and a record for each call of each program, once. It costs every call on the node
 * a little, so it is attached only while a container is being learned. The bits alone say which calls were used: a record
 * that is lost costs when and by which program, nothing else. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct syscall_bits);
} calls_of_programs SEC(".maps");

static __always_inline bool has_call(struct syscall_bits *used, u32 number)
{
	return used && used->words[(number >> 6) & 7] & 1ULL << (number & 63);
}
static __noinline int on_new_call(struct task_struct *task, u64 ns_id, u64 program, u32 number)
{
	u64 bit = 1ULL << (number & 63);
	u32 word = (number >> 6) & 7;
	struct syscall_bits *used = bpf_map_lookup_elem(&syscalls_used, &ns_id);
	struct container *one = admitted(ns_id);
	struct scratch *scratch = scratch_of(0);
	if (!used || !one || !scratch || is_entering(task, ns_id))
		return 0;
	if (!has_call(used, number))
		__sync_fetch_and_or(&used->words[word], bit);
	bpf_map_update_elem(&calls_of_programs, &program, &no_syscalls, BPF_NOEXIST);
	struct syscall_bits *own = bpf_map_lookup_elem(&calls_of_programs, &program);
	if (!own || !has_budget(one, BUDGET_SYSCALLS, syscall_budget, SAVED_SYSCALLS_S))
		return 0;
	struct call_record *record = (void *)scratch->bytes;
	__builtin_memset(record, 0, __builtin_offsetof(struct call_record, text));
	record->syscall = number;
	fill(&record->head, RECORD_SYSCALL, task, ns_id);
	if (!bpf_ringbuf_output(&records, record, __builtin_offsetof(struct call_record, text), wake())) {
		count(RECORD_SYSCALL, COUNT_SENT);
		__sync_fetch_and_or(&own->words[word], bit);
	}
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_syscall, struct pt_regs *registers, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	struct mm_struct *mm = task->mm;
	if (number < 0 || number >= 512 || !mm || is_left_out(ns_id))
		return 0;
	/* Fields are read without a call; what is not there reads as 0. */
	struct inode *exe = mm->exe_file->f_inode;
	u64 program = mix(mix(ns_id, exe->i_sb->s_dev), exe->i_ino);
	if (has_call(bpf_map_lookup_elem(&calls_of_programs, &program), number))
		return 0;
	return on_new_call(task, ns_id, program, number);
}
