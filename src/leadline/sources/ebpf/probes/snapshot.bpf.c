/* What was there before the agent: processes, and the files that they have mapped to execute. Reading the iterator sends them. */
#define VM_EXECUTE 4

SEC("iter/task")
int snapshot_processes(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	if (!task)
		return 0;
	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	u64 ns_id = ns_of(task);
	if (!host_ns_id) {
		/* The first one is process 1 of the reader's node. */
		host_ns_id = ns_id;
		u64 own = ns_of((void *)bpf_get_current_task());
		own_ns_id = own == ns_id ? 0 : own;
	}
	if (is_left_out(ns_id) || !BPF_CORE_READ(task, mm))
		return 0;
	struct container *one = bpf_map_lookup_elem(&containers, &ns_id);
	struct scratch *scratch = scratch_of(1);
	if (!one) {
		/* A runtime that builds a container is a fork that has executed nothing; the container begins by itself, with its exec. */
		if (BPF_CORE_READ(task, flags) & FORKED_WITHOUT_EXEC)
			return 0;
		one = begin_container(ns_id);
		if (one)
			one->found_sweep = sweep;
	}
	if (!one || !scratch)
		return 0;
	one->sweep = sweep;
	if (one->found_sweep != sweep)
		return 0; /* known: only that it still lives */
	struct exec_record *record = (void *)(scratch->bytes + SCRATCH_PATH - EXEC_TEXT);
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe)
		return 0;
	fill(&record->head, RECORD_EXEC, task, ns_id);
	u16 flags = IS_SNAPSHOT, parts = 0;
	if (is_upper(exe))
		flags |= IS_UPPER;
	u32 offset = write_path(task, path_of(exe), &parts, &flags, 1);
	record->exe_size = offset;
	record->parts = parts;
	record->head.flags |= flags;
	record->name_size = record->arguments_size = record->environment_size = record->folder_size = 0;
	offset = describe_process(record, task, offset);
	emit(&record->head, (EXEC_TEXT + offset) & 16383, one);
	return 0;
}
SEC("iter/task_vma")
int snapshot_maps(struct bpf_iter__task_vma *context)
{
	struct task_struct *task = context->task;
	struct vm_area_struct *area = context->vma;
	if (!task || !area)
		return 0;
	u64 ns_id = ns_of(task);
	if (is_left_out(ns_id))
		return 0;
	struct file *file = BPF_CORE_READ(area, vm_file);
	if (file && (BPF_CORE_READ(area, vm_flags) & VM_EXECUTE)) {
		struct sent_file sent = { .file = file, .ns_id = ns_id, .kind = RECORD_MAP, .flags = IS_SNAPSHOT, .which = 1 };
		send_file(task, &sent);
	}
	return 0;
}
