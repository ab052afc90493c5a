/* A program was started. The container's names are read here, in the kernel: a short-lived process is gone before /proc is. */
struct exec_record {
	struct record_head head;
	u64 start_ns, parent_start_ns, parent_exe_id, net_id, cgroup_id;
	char parent_program[16];
	u16 exe_size, parts, name_size, arguments_size, cgroup_size, parent_cgroup_size, environment_size, tty_size;
	u16 folder_size, unused[3];
	char text[PATH_BYTES + NAME_BYTES + ARGUMENT_BYTES + 2 * CGROUP_BYTES + 64 + ENVIRONMENT_BYTES + FOLDER_BYTES];
};
LAYOUT(struct exec_record, exec_record)
#define EXEC_TEXT __builtin_offsetof(struct exec_record, text)
_Static_assert(EXEC_TEXT <= SCRATCH_PATH && __builtin_offsetof(struct file_record, path) <= SCRATCH_PATH, "room for the head");
#define AFTER_NAME (PATH_BYTES + NAME_BYTES)
#define AFTER_ARGUMENTS (AFTER_NAME + ARGUMENT_BYTES)
#define AFTER_NAMES (AFTER_ARGUMENTS + 2 * CGROUP_BYTES + 64)

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ((struct kernfs_node___before_6_15 *)node, parent);
}
static __always_inline u32 add_text(struct exec_record *record, u32 offset, const void *from, u32 most, u16 *size)
{
	*size = 0;
	if (offset > AFTER_ARGUMENTS + 2 * CGROUP_BYTES)
		return offset;
	long read = bpf_probe_read_kernel_str(record->text + offset, most, from);
	if (read <= 0)
		return offset;
	*size = read;
	return offset + (read & (NAME_BYTES * 2 - 1));
}
/* Everything about a process but its path, after `offset` bytes of text that are written already. */
static __always_inline u32 describe_process(struct exec_record *record, struct task_struct *task, u32 offset)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	record->start_ns = BPF_CORE_READ(task, start_boottime);
	record->parent_start_ns = BPF_CORE_READ(parent, start_boottime);
	record->parent_exe_id = exe_id(parent);
	record->net_id = BPF_CORE_READ(task, nsproxy, net_ns, net_cookie);
	BPF_CORE_READ_INTO(&record->parent_program, parent, comm);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid inner = {};
	if (level && level < 32)
		bpf_core_read(&inner, sizeof(inner), (void *)&pid->numbers[0] + level * bpf_core_type_size(struct upid));
	if (inner.nr == 1)
		record->head.flags |= IS_FIRST_PROCESS;
	/* The hierarchy of version 2 if the process has a place in it, else that of the pids controller. */
	struct kernfs_node *node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	if (!parent_of(node)) {
		u32 pids = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
		struct css_set *set = BPF_CORE_READ(task, cgroups);
		struct cgroup_subsys_state *state = 0;
		if (pids < 16)
			bpf_core_read(&state, sizeof(state), &set->subsys[pids]);
		if (state)
			node = BPF_CORE_READ(state, cgroup, kn);
	}
	record->cgroup_id = BPF_CORE_READ(node, id);
	offset = add_text(record, offset, BPF_CORE_READ(node, name), CGROUP_BYTES, &record->cgroup_size);
	struct kernfs_node *above = parent_of(node);
	record->parent_cgroup_size = 0;
	if (above)
		offset = add_text(record, offset, BPF_CORE_READ(above, name), CGROUP_BYTES, &record->parent_cgroup_size);
	record->tty_size = 0;
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	if (tty)
		offset = add_text(record, offset, &tty->name, 32, &record->tty_size);
	return offset;
}
/* The folder that the program is started in, the innermost components first; what has no room is cut off. */
static __always_inline u32 add_folder(struct exec_record *record, struct task_struct *task, u32 offset)
{
	record->folder_size = 0;
	struct scratch *scratch = scratch_of(2);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	if (!scratch || !fs || offset > AFTER_NAMES + ENVIRONMENT_BYTES)
		return offset;
	u16 parts = 0, flags = 0;
	u32 size = write_path(task, (void *)fs + bpf_core_field_offset(struct fs_struct, pwd), &parts, &flags, 2);
	if (size > FOLDER_BYTES - 1)
		size = FOLDER_BYTES - 1;
	if (bpf_probe_read_kernel(record->text + offset, size & (FOLDER_BYTES - 1), scratch->bytes + SCRATCH_PATH))
		return offset;
	record->folder_size = size;
	return offset + (size & (FOLDER_BYTES - 1));
}
/* The ELF interpreter, such as the dynamic linker, is opened by the kernel and seen by no call of the program. musl's is its
 * C library as well. */
struct interpreter {
	struct task_struct *task;
	u64 ns_id;
};
static long on_interpreter(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct interpreter *one = context;
	struct file *file = vma->vm_file;
	if (file) {
		struct sent_file sent = { .file = file, .ns_id = one->ns_id, .kind = RECORD_MAP, .flags = IS_INTERPRETER };
		send_file(bpf_get_current_task_btf(), &sent);
	}
	return 0;
}
static __always_inline void send_interpreter(struct task_struct *task, u64 ns_id)
{
	struct interpreter context = { .ns_id = ns_id };
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long pair[2], *vector = (unsigned long *)&mm->saved_auxv;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 24; i++) {
		if (bpf_probe_read_kernel(&pair, sizeof(pair), vector + 2 * i) || !pair[0])
			return;
		if (pair[0] == 7) { /* AT_BASE */
			if (pair[1])
				bpf_find_vma(bpf_get_current_task_btf(), pair[1], on_interpreter, &context, 0);
			return;
		}
	}
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *program)
{
	u64 ns_id = current_ns(task);
	if (is_left_out(ns_id))
		return 0;
	struct container *one = begin_container(ns_id);
	struct scratch *scratch = scratch_of(0);
	if (!one || one->ignored || !scratch)
		return 0;
	one->executed_ns = bpf_ktime_get_boot_ns();
	struct exec_record *record = (void *)(scratch->bytes + SCRATCH_PATH - EXEC_TEXT);
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	u64 from = BPF_CORE_READ(task, mm, arg_start), to = BPF_CORE_READ(task, mm, arg_end);
	u32 arguments = to - from > ARGUMENT_BYTES - 1 ? ARGUMENT_BYTES - 1 : to - from;
	u16 flags = to - from > ARGUMENT_BYTES - 1 ? IS_CUT : 0, parts = 0;

	/* What was seen before is found out before any path is walked. */
	u64 parent_exe = exe_id(BPF_CORE_READ(task, real_parent));
	u64 origin = mix(mix(mix(mix(RECORD_EXEC, ns_id), one->epoch), file_id(exe)), parent_exe);
	char *words = scratch->bytes;
	__builtin_memset(words, 0, ARGUMENT_BYTES);
	if (bpf_probe_read_user(words, arguments & (ARGUMENT_BYTES - 1), (void *)from))
		flags |= IS_CUT;
	u64 key = mix(mix(origin, to - from), hash_of(0, arguments));
	if (is_repeated(RECORD_EXEC, key))
		goto interpreter;
	if (!within_budget(one, 1, RECORD_EXEC)) {
		key = origin;
		if (is_repeated(RECORD_EXEC, key))
			goto interpreter;
		flags |= IS_COLLAPSED;
		arguments = 0;
	}
	fill(&record->head, RECORD_EXEC, task, ns_id);
	if (is_upper(exe))
		flags |= IS_UPPER;
	struct file *parent_file = BPF_CORE_READ(task, real_parent, mm, exe_file);
	if (parent_file && is_upper(parent_file))
		flags |= IS_PARENT_UPPER;
	u32 offset = write_path(task, path_of(exe), &parts, &flags, 0);
	record->exe_size = offset;
	record->parts = parts;
	record->head.flags |= flags;
	offset = add_text(record, offset, BPF_CORE_READ(program, filename), NAME_BYTES, &record->name_size);
	record->arguments_size = 0;
	if (offset <= AFTER_NAME && !bpf_probe_read_user(record->text + offset, arguments & (ARGUMENT_BYTES - 1), (void *)from)) {
		record->arguments_size = arguments;
		offset += arguments & (ARGUMENT_BYTES - 1);
	}
	offset = describe_process(record, task, offset);
	record->environment_size = 0;
	if (with_environment && offset <= AFTER_NAMES) {
		u64 at = BPF_CORE_READ(task, mm, env_start), end = BPF_CORE_READ(task, mm, env_end);
		u32 size = end - at > ENVIRONMENT_BYTES - 1 ? ENVIRONMENT_BYTES - 1 : end - at;
		if (end - at > ENVIRONMENT_BYTES - 1)
			record->head.flags |= IS_CUT;
		if (!bpf_probe_read_user(record->text + offset, size & (ENVIRONMENT_BYTES - 1), (void *)at)) {
			record->environment_size = size;
			offset += size & (ENVIRONMENT_BYTES - 1);
		}
	}
	offset = add_folder(record, task, offset);
	if (!emit(&record->head, (EXEC_TEXT + offset) & 16383, one))
		remember(key);
interpreter:
	send_interpreter(task, ns_id);
	return 0;
}
