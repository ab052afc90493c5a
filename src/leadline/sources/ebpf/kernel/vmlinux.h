/* The kernel's own types, as far as probes read them. Every field is found at load time by its name in the BTF of
 * the running kernel (CO-RE), so that neither order nor completeness matters here. One header serves all architectures. */
#ifndef LEADLINE_VMLINUX_H
#define LEADLINE_VMLINUX_H
#include <linux/types.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef int pid_t;
#define true 1
#define false 0

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Namespaces. */
struct ns_common {
	unsigned int inum;
	u64 ns_id; /* since 6.18 */
};
struct user_namespace;
struct mnt_namespace {
	struct ns_common ns;
};
struct mnt_namespace___before_6_18 {
	u64 seq;
};
struct net {
	u64 net_cookie;
};
struct pid_namespace;
struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

/* Files. */
struct qstr {
	u64 hash_len;
	const unsigned char *name;
};
struct inode;
struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};
struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned short i_mode;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
	unsigned int f_mode;
};
struct fs_struct {
	struct path root;
	struct path pwd;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};
struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long saved_auxv[4];
};

/* Processes. */
typedef struct {
	unsigned int val;
} kuid_t;
typedef struct {
	unsigned int val;
} kgid_t;
struct cred {
	kuid_t uid;
	kgid_t gid;
};
struct tty_struct {
	char name[64];
};
struct signal_struct {
	struct tty_struct *tty;
};
struct pid_namespace;
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct kernfs_node {
	struct kernfs_node *__parent; /* since 6.15 */
	const char *name;
	u64 id;
};
struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
enum cgroup_subsys_id { pids_cgrp_id = 7 };
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};
struct task_struct {
	unsigned int flags;
	int pid, tgid;
	int exit_code;
	u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct pid *thread_pid;
	const struct cred *cred;
	char comm[16];
};
struct linux_binprm {
	const char *filename;
};
struct pt_regs; /* read through its architecture's own form */
struct pt_regs___by_x86 {
	unsigned long orig_ax;
};
struct pt_regs___by_arm64 {
	s32 syscallno;
};

/* Sockets. */
struct in6_addr {
	u8 bytes[16];
};
typedef struct {
	struct net *net;
} possible_net_t;
struct sock_common {
	unsigned short skc_family;
	u16 skc_num;
	u16 skc_dport;
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	possible_net_t skc_net;
};
struct sock {
	struct sock_common __sk_common;
};
struct socket {
	struct sock *sk;
};

/* io_uring. */
struct io_kiocb {
	u8 opcode;
};

/* Contexts of tracepoints and iterators. */
struct trace_entry {
	int pid;
};
struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
	unsigned long args[6];
};
struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id;
	long ret;
};
struct bpf_iter_meta {
	u64 seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

#pragma clang attribute pop
#endif
