/* What all probes stand on: records, tables, containers, first-seen, paths.
 *
 * A container is known by the id of its mount namespace, which is never used again. The number of a namespace is given to
 * the next one as soon as it ends; whatever is keyed by it mistakes one container for another. */
#ifndef LEADLINE_SHARED_H
#define LEADLINE_SHARED_H
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define PATH_BYTES 4096
#define NAME_BYTES 256
#define ARGUMENT_BYTES 1024
#define CGROUP_BYTES 128
#define ENVIRONMENT_BYTES 2048
#define FOLDER_BYTES 1024
#define TEXT_BYTES 1024
#define PACKET_BYTES 1024
#define DEEPEST_PATH 80
#define OVERLAY_MAGIC 0x794c7630
#define FAMILY_UNIX 1
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

enum record_kind {
	RECORD_EXEC = 1, RECORD_FORK, RECORD_EXIT, RECORD_OPEN, RECORD_MAP, RECORD_CAPABILITY, RECORD_SOCKET, RECORD_DNS,
	RECORD_HTTP, RECORD_TLS, RECORD_SSH, RECORD_LINK, RECORD_REMOVE, RECORD_RENAME, RECORD_MODE, RECORD_MOUNT,
	RECORD_IDENTITY, RECORD_NAMESPACE, RECORD_PTRACE, RECORD_BPF, RECORD_MODULE, RECORD_IO_URING,
	RECORD_REDIRECT, RECORD_RAW_SOCKET, RECORD_PAGE_FAULT, RECORD_SOCKET_FILE, RECORD_ROOT, RECORD_DEVICE, RECORD_SYSCALL,
	RECORD_ALTER,
	RECORD_KINDS
};
enum record_flag {
	IS_SNAPSHOT = 1,  /* was there before the agent */
	IS_COLLAPSED = 2, /* stands for many: the budget of its container was used up */
	IS_PSEUDO = 4,    /* the path is the own name of a file that is in no folder, such as memfd: */
	IS_CUT = 8,       /* a part was longer than the record has room for */
	IS_UPPER = 16,    /* the file is in the container's own layer, not in its image */
	IS_PARENT_UPPER = 32,
	IS_INTERPRETER = 64, /* the kernel itself mapped it, as the ELF interpreter */
	IS_OUTGOING = 128,
	IS_FIRST_PROCESS = 256,
	IS_HOST = 512,
};
enum counter { COUNT_SENT, COUNT_LOST, COUNT_REPEATED, COUNT_COLLAPSED, COUNT_UNOWNED, COUNTERS };

/* User space reads layouts and numbers from the object's own BTF, where only types of variables are. */
#define LAYOUT(type, name) type *layout_##name __attribute__((unused));
LAYOUT(enum record_kind, record_kind)
LAYOUT(enum record_flag, record_flag)
LAYOUT(enum counter, counter)

/* Set before the object is loaded. */
const volatile u8 with_host = 0;
const volatile u8 with_repeats = 0;
const volatile u8 with_processes = 0;   /* every fork and exit, not only the end of containers */
const volatile u8 with_environment = 0;
const volatile u64 repeat_after_ns = 3600000000000ULL;
const volatile u64 wake_bytes = 2 << 20;
/* New records of one container per second; what a container does not use it may use later, at most that of so many seconds. It
 * starts with all of that, for programs do most that is new at their start. Above, one record for each folder. */
const volatile u32 file_budget = 400;
const volatile u32 other_budget = 400;
const volatile u32 syscall_budget = 4000;
#define SAVED_FILES_S 20
#define SAVED_OTHERS_S 5
#define SAVED_SYSCALLS_S 1

/* Set by the first snapshot. */
volatile u64 host_ns_id = 0;
volatile u64 own_ns_id = 0;
/* The number of the sweep over all processes that is being made; user space writes it. */
volatile u64 sweep = 0;

struct record_head {
	u64 at_ns, ns_id, exe_id;
	u16 kind, flags;
	u32 pid, parent_pid, uid, gid, tid;
	char program[16];
};
struct file_record {
	struct record_head head;
	u64 inode;
	u32 device, open_flags;
	u16 path_size, parts;
	char path[PATH_BYTES];
};
LAYOUT(struct file_record, file_record)
struct call_record {
	struct record_head head;
	s64 syscall, first, second, third;
	u16 one_size, two_size, one_folder_size, two_folder_size;
	char text[4 * TEXT_BYTES + 8];
};
LAYOUT(struct call_record, call_record)

#define SCRATCH_PATH 192
struct scratch {
	char bytes[SCRATCH_PATH + PATH_BYTES + NAME_BYTES + ARGUMENT_BYTES + 2 * CGROUP_BYTES + ENVIRONMENT_BYTES + FOLDER_BYTES + 1024];
};
/* 0 and 2 for tracepoints, where nothing else can run on the processor; 1 for iterators, which can be interrupted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, u64);
} first_seen SEC(".maps");

/* One for each mount namespace in which something was executed. User space removes those that ended. */
struct container {
	u64 executed_ns;
	u64 sweep;       /* the last one that saw a process in it */
	u64 found_sweep; /* not 0: it was there before the agent, and is the one that found it */
	u64 window_ns[3];
	u32 used[3];
	u32 epoch;   /* another one makes everything new */
	u32 ignored;
	u32 lost[RECORD_KINDS];
	u32 collapsed[RECORD_KINDS];
};
LAYOUT(struct container, container)
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct container);
} containers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORD_KINDS * COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct syscall_bits {
	u64 words[8];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct syscall_bits);
} syscalls_used SEC(".maps");

struct socket_owner {
	u64 ns_id, exe_id;
	u32 pid, parent_pid, tid, uid, gid;
	u32 began_by; /* the first direction that it was used in */
	char program[16];
};
/* Cloned: what a listening socket accepts belongs to the one who listens. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_owner);
} socket_owners SEC(".maps");

/* The namespace that a process is about to leave by unshare(2). */
#define NEW_MOUNTS 0x20000
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} leaving SEC(".maps");

static __always_inline void count(u32 kind, u32 counter)
{
	u32 key = kind * COUNTERS + counter;
	u64 *value = bpf_map_lookup_elem(&counts, &key);
	if (value)
		*value += 1;
}

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash ^= value;
	hash *= 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 29);
}

/* The id of a mount namespace: ns_common.ns_id, before 6.18 mnt_namespace.seq. Both are of a counter that only grows. */
static __always_inline u64 id_of_namespace(struct mnt_namespace *ns)
{
	if (!ns)
		return 0;
	if (bpf_core_field_exists(ns->ns.ns_id))
		return BPF_CORE_READ(ns, ns.ns_id);
	return BPF_CORE_READ((struct mnt_namespace___before_6_18 *)ns, seq);
}
static __always_inline u64 ns_of(struct task_struct *task)
{
	return id_of_namespace(BPF_CORE_READ(task, nsproxy, mnt_ns));
}
/* The same of the process that runs. Its task is trusted: fields are read without a call. */
static __always_inline u64 current_ns(struct task_struct *task)
{
	struct nsproxy *proxy = task->nsproxy;
	if (!proxy)
		return 0;
	struct mnt_namespace *ns = proxy->mnt_ns;
	if (!ns)
		return 0;
	if (bpf_core_field_exists(ns->ns.ns_id))
		return ns->ns.ns_id;
	return ((struct mnt_namespace___before_6_18 *)ns)->seq;
}
static __always_inline bool is_left_out(u64 ns_id)
{
	if (!ns_id || !host_ns_id)
		return true;
	if (ns_id == host_ns_id)
		return !with_host;
	return ns_id == own_ns_id;
}
/* Null before the first execution in the namespace: what a runtime does to build a container is not the container's.
 * A name proves nothing, for any process can take it. */
static __always_inline struct container *admitted(u64 ns_id)
{
	struct container *one = bpf_map_lookup_elem(&containers, &ns_id);
	return one && !one->ignored ? one : 0;
}

/* Not on the stack, which three calls deep has no room for them. */
static const struct container new_container = {};
static const struct syscall_bits no_syscalls = {};
static __always_inline struct container *begin_container(u64 ns_id)
{
	struct container *one = bpf_map_lookup_elem(&containers, &ns_id);
	if (!one) {
		bpf_map_update_elem(&containers, &ns_id, &new_container, BPF_NOEXIST);
		bpf_map_update_elem(&syscalls_used, &ns_id, &no_syscalls, BPF_NOEXIST);
		one = bpf_map_lookup_elem(&containers, &ns_id);
		if (!one) {
			count(RECORD_EXEC, COUNT_UNOWNED); /* the table is full */
			return 0;
		}
	}
	return one;
}

static __always_inline u64 file_id(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	return mix(BPF_CORE_READ(inode, i_sb, s_dev), BPF_CORE_READ(inode, i_ino));
}
static __always_inline u64 exe_id(struct task_struct *task)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	return exe ? file_id(exe) : 0;
}
/* In the container's own layer of an overlay. The upper layer's entry follows the inode in memory (fs/overlayfs/ovl_entry.h). */
static __always_inline bool is_upper(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAY_MAGIC)
		return false;
	void *upper = 0;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper != 0;
}

#define FORKED_WITHOUT_EXEC 0x40 /* PF_FORKNOEXEC */
/* A runtime that has entered a container to execute a program there, as for `kubectl exec`: until then what it does is not the
 * container's. It is a fork of a process outside, sees other processes than that, and runs a file from outside. An orphan of the
 * container is a child of one inside, unless they share the processes of their node. */
static __noinline bool is_entering(struct task_struct *task, u64 ns_id)
{
	if (ns_id == host_ns_id || !(BPF_CORE_READ(task, group_leader, flags) & FORKED_WITHOUT_EXEC))
		return false;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	u64 outside = ns_of(parent);
	if (outside == ns_id || (outside != host_ns_id && admitted(outside)))
		return false;
	/* A parent that is ending has none any more, and was one inside as likely as not. It can take its time to end. */
	struct pid_namespace *outer = BPF_CORE_READ(parent, nsproxy, pid_ns_for_children);
	if (!outer || BPF_CORE_READ(task, nsproxy, pid_ns_for_children) == outer)
		return false;
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe)
		return false;
	struct mount *mount = container_of(BPF_CORE_READ(exe, f_path.mnt), struct mount, mnt);
	/* Of a mount that is in no namespace this is null or an error, of which nothing can be read. */
	return id_of_namespace(BPF_CORE_READ(mount, mnt_ns)) != ns_id;
}

static __always_inline void fill(struct record_head *head, u16 kind, struct task_struct *task, u64 ns_id)
{
	head->at_ns = bpf_ktime_get_boot_ns();
	head->ns_id = ns_id;
	head->exe_id = exe_id(task);
	head->kind = kind;
	head->flags = ns_id == host_ns_id ? IS_HOST : 0;
	head->pid = BPF_CORE_READ(task, tgid);
	head->tid = BPF_CORE_READ(task, pid);
	head->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	head->uid = BPF_CORE_READ(task, cred, uid.val);
	head->gid = BPF_CORE_READ(task, cred, gid.val);
	BPF_CORE_READ_INTO(&head->program, task, comm);
}
static __always_inline u64 wake(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}
static __always_inline void lose(u16 kind, struct container *one)
{
	count(kind, COUNT_LOST);
	if (one && kind < RECORD_KINDS)
		__sync_fetch_and_add(&one->lost[kind], 1);
}
/* 0 where the record is in the ring. */
static __always_inline long emit(struct record_head *head, u64 size, struct container *one)
{
	long error = bpf_ringbuf_output(&records, head, size, wake());
	if (error)
		lose(head->kind, one);
	else
		count(head->kind, COUNT_SENT);
	return error;
}
static __always_inline bool is_repeated(u16 kind, u64 key)
{
	if (with_repeats)
		return false;
	u64 *before = bpf_map_lookup_elem(&first_seen, &key);
	if (!before || bpf_ktime_get_ns() - *before > repeat_after_ns)
		return false;
	count(kind, COUNT_REPEATED);
	return true;
}
/* Called once the record is in the ring: one that was lost is sent again by the next occurrence. */
static __always_inline void remember(u64 key)
{
	if (with_repeats)
		return;
	u64 now = bpf_ktime_get_ns();
	bpf_map_update_elem(&first_seen, &key, &now, BPF_ANY);
}
enum { BUDGET_FILES, BUDGET_OTHERS, BUDGET_SYSCALLS };
static __always_inline bool has_budget(struct container *one, u32 which, u64 per_s, u64 saved_s)
{
	u64 now = bpf_ktime_get_ns(), seconds = (now - one->window_ns[which]) / 1000000000ULL;
	if (seconds) {
		u64 used = one->used[which];
		one->used[which] = seconds < saved_s && used > seconds * per_s ? used - seconds * per_s : 0;
		one->window_ns[which] = now;
	}
	if (one->used[which] >= per_s * saved_s)
		return false;
	__sync_fetch_and_add(&one->used[which], 1);
	return true;
}
/* False once a container has used up its new records. */
static __always_inline bool within_budget(struct container *one, u32 which, u16 kind)
{
	if (which ? has_budget(one, BUDGET_OTHERS, other_budget, SAVED_OTHERS_S) : has_budget(one, BUDGET_FILES, file_budget, SAVED_FILES_S))
		return true;
	count(kind, COUNT_COLLAPSED);
	if (kind < RECORD_KINDS)
		__sync_fetch_and_add(&one->collapsed[kind], 1);
	return false;
}

static __always_inline struct scratch *scratch_of(u32 which)
{
	return bpf_map_lookup_elem(&scratches, &which);
}

struct hashing {
	u64 hash;
	u32 offset;
};
static long hash_step(u32 step, void *context)
{
	struct hashing *hashing = context;
	struct scratch *scratch = scratch_of(0);
	u32 offset = hashing->offset + step * 8;
	if (!scratch || offset > sizeof(struct scratch) - 8)
		return 1;
	hashing->hash = mix(hashing->hash, *(u64 *)(scratch->bytes + offset));
	return 0;
}
/* Of the bytes at an offset of the scratch, which zeros follow up to a multiple of eight. */
static __always_inline u64 hash_of(u32 offset, u32 size)
{
	struct hashing hashing = { .hash = size, .offset = offset };
	bpf_loop((size + 7) / 8, hash_step, &hashing, 0);
	return hashing.hash;
}

struct walk {
	struct dentry *at, *root;
	struct mount *mount;
	struct vfsmount *vfsmount, *root_mount;
	u32 offset, parts, which;
};
/* One component; from the file up to the root of the process, across mounts. */
static long walk_step(u32 step, void *context)
{
	struct walk *walk = context;
	struct dentry *at = walk->at;
	struct mount *mount = walk->mount;
	if (at == walk->root && walk->vfsmount == walk->root_mount)
		return 1;
	struct dentry *top = BPF_CORE_READ(mount, mnt.mnt_root), *parent = BPF_CORE_READ(at, d_parent);
	if (at == top) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);
		if (above == mount)
			return 1;
		walk->at = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		walk->vfsmount = &above->mnt;
		return 0;
	}
	u32 offset = walk->offset;
	if (at == parent || offset > PATH_BYTES - NAME_BYTES)
		return 1;
	struct scratch *scratch = scratch_of(walk->which);
	if (!scratch)
		return 1;
	long size = bpf_probe_read_kernel_str(scratch->bytes + SCRATCH_PATH + offset, NAME_BYTES, BPF_CORE_READ(at, d_name.name));
	if (size <= 0)
		return 1;
	walk->offset = offset + size;
	walk->parts++;
	walk->at = parent;
	return 0;
}
/* Writes the components of the path to SCRATCH_PATH, the last one first, and returns their bytes. */
static __noinline u32 write_path(struct task_struct *task, struct path *path, u16 *parts, u16 *flags, u32 which)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(path, mnt);
	struct dentry *at = BPF_CORE_READ(path, dentry);
	if (*flags & IS_COLLAPSED)
		at = BPF_CORE_READ(at, d_parent); /* the folder stands for what is in it */
	struct walk walk = {
		.at = at, .vfsmount = vfsmount, .mount = container_of(vfsmount, struct mount, mnt), .which = which,
		.root = BPF_CORE_READ(task, fs, root.dentry), .root_mount = BPF_CORE_READ(task, fs, root.mnt),
	};
	bpf_loop(DEEPEST_PATH, walk_step, &walk, 0);
	struct dentry *end = walk.at;
	if (walk.offset > PATH_BYTES - NAME_BYTES)
		*flags |= IS_CUT;
	if (!walk.parts && end == BPF_CORE_READ(end, d_parent)) {
		struct scratch *scratch = scratch_of(which);
		if (scratch) {
			long size = bpf_probe_read_kernel_str(scratch->bytes + SCRATCH_PATH, NAME_BYTES, BPF_CORE_READ(end, d_name.name));
			if (size > 1) {
				walk.offset = size;
				walk.parts = 1;
				*flags |= IS_PSEUDO;
			}
		}
	}
	*parts = walk.parts;
	return walk.offset & (PATH_BYTES - 1);
}
static __always_inline struct path *path_of(struct file *file)
{
	return (void *)file + bpf_core_field_offset(struct file, f_path);
}
static __always_inline struct file *file_of(struct task_struct *task, long number)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = 0, **all;
	if (number < 0 || number >= BPF_CORE_READ(table, max_fds))
		return 0;
	all = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &all[number]);
	return file;
}

struct sent_file {
	struct file *file;
	u64 ns_id;
	u32 open_flags;
	u16 kind, flags;
	u32 which; /* scratch */
};
/* One file, opened or mapped, unless it was seen before. */
static __noinline int send_file(struct task_struct *task, struct sent_file *sent)
{
	u16 kind = sent->kind, flags = sent->flags;
	u64 ns_id = sent->ns_id;
	u32 open_flags = sent->open_flags, which = sent->which;
	struct file *file = sent->file;
	struct container *one = admitted(ns_id);
	if (!one)
		return 0;
	struct dentry *at = BPF_CORE_READ(file, f_path.dentry), *parent = BPF_CORE_READ(at, d_parent);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u32 device = BPF_CORE_READ(inode, i_sb, s_dev);
	u64 number = BPF_CORE_READ(inode, i_ino), folder = BPF_CORE_READ(parent, d_inode, i_ino);
	u64 origin = mix(mix(mix(kind, ns_id), one->epoch), mix(exe_id(task), open_flags & 0xffffff));
	u64 key = mix(mix(mix(origin, (u64)device << 32 ^ number), BPF_CORE_READ(at, d_name.hash_len)), folder);
	if (is_repeated(kind, key) || is_entering(task, ns_id))
		return 0;
	/* What is mapped is little and says what runs: a walker through files does not use up its budget. */
	if (!within_budget(one, kind == RECORD_MAP, kind)) {
		key = mix(mix(origin, ~(u64)device), folder);
		if (is_repeated(kind, key))
			return 0;
		flags |= IS_COLLAPSED;
	}
	struct scratch *scratch = scratch_of(which);
	if (!scratch)
		return 0;
	struct file_record *record = (void *)(scratch->bytes + SCRATCH_PATH - __builtin_offsetof(struct file_record, path));
	fill(&record->head, kind, task, ns_id);
	record->inode = number;
	record->device = device;
	record->open_flags = open_flags;
	if (is_upper(file))
		flags |= IS_UPPER;
	u16 parts = 0;
	u32 size = write_path(task, path_of(file), &parts, &flags, which);
	record->path_size = size;
	record->parts = parts;
	record->head.flags |= flags;
	if (!emit(&record->head, __builtin_offsetof(struct file_record, path) + (size & (PATH_BYTES - 1)), one))
		remember(key);
	return 0;
}

/* A call with up to three numbers and two texts of the caller's memory, unless it was seen before. A text that is a path comes
 * with the descriptor of the folder that it is relative to; a descriptor without a text is the open file itself. */
#define NO_PATH (-1000)
#define CURRENT_FOLDER (-100)
struct sent_call {
	u64 numbers[3];
	s64 syscall;
	const char *one, *two;
	s32 one_at, two_at;
	u16 kind;
};
static __always_inline struct path *folder_of(struct task_struct *task, s32 at)
{
	if (at == CURRENT_FOLDER) {
		struct fs_struct *fs = BPF_CORE_READ(task, fs);
		return fs ? (void *)fs + bpf_core_field_offset(struct fs_struct, pwd) : 0;
	}
	struct file *file = file_of(task, at);
	return file ? path_of(file) : 0;
}
/* What tells one folder from another; 0 for a text that is no path, or is one from the root. */
static __always_inline u64 folder_id(struct task_struct *task, s32 at, char first)
{
	if (at == NO_PATH || !first || first == '/')
		return 0;
	struct path *folder = folder_of(task, at);
	if (!folder)
		return 0;
	struct inode *inode = BPF_CORE_READ(folder, dentry, d_inode);
	return mix(BPF_CORE_READ(inode, i_sb, s_dev), BPF_CORE_READ(inode, i_ino));
}
/* Writes the components of the folder behind the texts, the innermost first; what has no room is cut off. */
static __noinline u32 add_call_folder(struct task_struct *task, struct call_record *record, u32 offset, s32 at)
{
	struct scratch *scratch = scratch_of(2);
	struct path *folder = folder_of(task, at);
	if (!record || !scratch || !folder || offset > 3 * TEXT_BYTES)
		return 0;
	u16 parts = 0, flags = 0;
	u32 size = write_path(task, folder, &parts, &flags, 2);
	if (size > TEXT_BYTES - 1)
		size = TEXT_BYTES - 1;
	if (bpf_probe_read_kernel(record->text + offset, size & (TEXT_BYTES - 1), scratch->bytes + SCRATCH_PATH))
		return 0;
	return size;
}
#define OPENED_TO_WRITE 2
/* What tells one open file from another; 0 where it was opened to be written, which its open has said. */
static __always_inline u64 open_file_id(struct file *file)
{
	return file && !(BPF_CORE_READ(file, f_mode) & OPENED_TO_WRITE) ? file_id(file) : 0;
}
struct cutting {
	u64 hash, hash_before;
	s32 cut_at; /* the last slash */
};
static long cut_step(u32 step, void *context)
{
	struct cutting *cutting = context;
	struct scratch *scratch = scratch_of(0);
	if (!scratch)
		return 1;
	char one = scratch->bytes[__builtin_offsetof(struct call_record, text) + (step & (TEXT_BYTES - 1))];
	if (!one)
		return 1;
	if (one == '/') {
		cutting->cut_at = step;
		cutting->hash_before = cutting->hash;
	}
	cutting->hash = mix(cutting->hash, one);
	return 0;
}
/* Leaves of the path at the begin of the texts its folder, which stands for what is in it, and returns what tells it from others. */
static __noinline u64 cut_name(struct call_record *record)
{
	struct cutting cutting = { .cut_at = -1 };
	if (!record)
		return 0;
	bpf_loop(TEXT_BYTES, cut_step, &cutting, 0);
	s32 end = cutting.cut_at ? cutting.cut_at < 0 ? 0 : cutting.cut_at : 1; /* the root is a slash itself */
	record->text[end & (TEXT_BYTES - 1)] = 0;
	return mix(cutting.hash_before, end);
}
static __noinline int send_call_of(struct sent_call *sent)
{
	u16 kind = sent->kind, flags = 0;
	const char *text_one = sent->one, *text_two = sent->two;
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	if (is_left_out(ns_id))
		return 0;
	struct container *one = admitted(ns_id);
	struct scratch *scratch = scratch_of(0);
	if (!one || !scratch)
		return 0;
	struct call_record *record = (void *)scratch->bytes;
	record->syscall = (s32)sent->syscall; /* above are bytes that the kernel leaves as they were */
	record->first = sent->numbers[0];
	record->second = sent->numbers[1];
	record->third = sent->numbers[2];
	record->one_size = record->two_size = record->one_folder_size = record->two_folder_size = 0;
	u64 size = 0, one_folder = 0, two_folder = 0;
	u64 origin = mix(mix(mix(mix(kind, ns_id), one->epoch), exe_id(task)), mix(mix(record->syscall, record->first), mix(record->second, record->third)));
	u64 key = origin;
	if (text_one) {
		long read = bpf_probe_read_user_str(record->text, TEXT_BYTES, text_one);
		if (read > 0) {
			record->one_size = read;
			size = read & (2 * TEXT_BYTES - 1);
			one_folder = folder_id(task, sent->one_at, record->text[0]);
		}
	}
	if (text_two && size <= TEXT_BYTES) {
		long read = bpf_probe_read_user_str(record->text + size, TEXT_BYTES, text_two);
		if (read > 0) {
			record->two_size = read;
			two_folder = folder_id(task, sent->two_at, record->text[size]);
			size += read & (TEXT_BYTES * 2 - 1);
		}
	}
	if (record->one_size == TEXT_BYTES || record->two_size == TEXT_BYTES)
		flags |= IS_CUT;
	if (size > 2 * TEXT_BYTES)
		size = 2 * TEXT_BYTES;
	if (size) {
		__builtin_memset(record->text + size, 0, 8);
		key = mix(mix(mix(key, one_folder), two_folder), hash_of(__builtin_offsetof(struct call_record, text), size));
	}
	if (!text_one && sent->one_at >= 0) {
		one_folder = open_file_id(file_of(task, sent->one_at));
		if (!one_folder && kind == RECORD_ALTER)
			return 0;
		key = mix(key, one_folder);
	}
	if (is_repeated(kind, key) || is_entering(task, ns_id))
		return 0;
	if (!within_budget(one, 1, kind)) {
		if (kind != RECORD_ALTER || !size)
			return 0;
		key = mix(mix(~origin, one_folder), cut_name(record));
		if (is_repeated(kind, key))
			return 0;
		flags |= IS_COLLAPSED;
	}
	if (one_folder) {
		u32 added = add_call_folder(task, record, size, sent->one_at);
		record->one_folder_size = added;
		size += added & (2 * TEXT_BYTES - 1);
	}
	if (two_folder) {
		u32 added = add_call_folder(task, record, size, sent->two_at);
		record->two_folder_size = added;
		size += added & (2 * TEXT_BYTES - 1);
	}
	fill(&record->head, kind, task, ns_id);
	record->head.flags |= flags;
	if (size > 4 * TEXT_BYTES)
		size = 4 * TEXT_BYTES;
	if (!emit(&record->head, __builtin_offsetof(struct call_record, text) + (size & (8 * TEXT_BYTES - 1)), one))
		remember(key);
	return 0;
}

static __always_inline int send_paths(u16 kind, s64 syscall, const u64 numbers[3], s32 one_at, const char *one, s32 two_at, const char *two)
{
	struct sent_call sent = { .kind = kind, .syscall = syscall, .one = one, .two = two, .one_at = one_at, .two_at = two_at };
	sent.numbers[0] = numbers[0];
	sent.numbers[1] = numbers[1];
	sent.numbers[2] = numbers[2];
	return send_call_of(&sent);
}
static __always_inline int send_call(u16 kind, s64 syscall, const u64 numbers[3], const char *one, const char *two)
{
	return send_paths(kind, syscall, numbers, NO_PATH, one, NO_PATH, two);
}

#define ON_CALL(name) \
	SEC("tracepoint/syscalls/sys_enter_" #name) \
	int enter_##name(struct trace_event_raw_sys_enter *call)
#define ON_RETURN(name) \
	SEC("tracepoint/syscalls/sys_exit_" #name) \
	int exit_##name(struct trace_event_raw_sys_exit *call)
#define ARGUMENT(number) (call->args[number])
#define NUMBERS(a, b, c) ((const u64[3]){ (u64)(a), (u64)(b), (u64)(c) })
#define TEXT(number) ((const char *)call->args[number])

static __always_inline s64 current_syscall(struct task_struct *task)
{
	void *registers = (void *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ((struct pt_regs___by_x86 *)registers, orig_ax);
#else
	return BPF_CORE_READ((struct pt_regs___by_arm64 *)registers, syscallno);
#endif
}
#endif
