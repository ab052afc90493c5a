/* Files that were mapped to be executed: a library that is in use, whoever else may have read it. */
#define PROT_EXECUTE 4
#define MAP_WITHOUT_FILE 0x20

ON_CALL(mmap)
{
	if (!(ARGUMENT(2) & PROT_EXECUTE) || (ARGUMENT(3) & MAP_WITHOUT_FILE) || (long)ARGUMENT(4) < 0)
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	struct file *file = is_left_out(ns_id) ? 0 : file_of(task, ARGUMENT(4));
	if (!file)
		return 0;
	struct sent_file sent = { .file = file, .ns_id = ns_id, .kind = RECORD_MAP };
	return send_file(task, &sent);
}
