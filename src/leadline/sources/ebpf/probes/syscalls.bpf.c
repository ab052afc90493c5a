/* One bit for each call that a container used. No records: user space reads the table. It costs every call on the node a
 * little, so it is attached only while a container is being learned. */
SEC("tp_btf/sys_enter")
int BPF_PROG(on_syscall, struct pt_regs *registers, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	if (number < 0 || number >= 512 || is_left_out(ns_id))
		return 0;
	struct syscall_bits *used = bpf_map_lookup_elem(&syscalls_used, &ns_id);
	if (!used)
		return 0;
	u64 bit = 1ULL << (number & 63);
	u32 word = (number >> 6) & 7;
	if (!(used->words[word] & bit))
		__sync_fetch_and_or(&used->words[word], bit);
	return 0;
}
