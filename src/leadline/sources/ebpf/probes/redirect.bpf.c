/* A connection of the internet was made standard input or output, as a reverse shell does. */
#define KIND_OF_FILE 0170000
#define IS_SOCKET 0140000

static __always_inline int redirects(long syscall, u64 from, u64 to)
{
	if (to > 2)
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	if (is_left_out(current_ns(task)))
		return 0;
	struct file *file = file_of(task, from);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & KIND_OF_FILE) != IS_SOCKET)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sock = BPF_CORE_READ(socket, sk);
	u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	if (family != FAMILY_IPV4 && family != FAMILY_IPV6)
		return 0;
	u32 address = family == FAMILY_IPV4 ? BPF_CORE_READ(sock, __sk_common.skc_daddr) : 0;
	u16 port = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	return send_call(RECORD_REDIRECT, syscall, NUMBERS(to, address, port), 0, 0);
}
ON_CALL(dup2) { return redirects(call->id, ARGUMENT(0), ARGUMENT(1)); }
ON_CALL(dup3) { return redirects(call->id, ARGUMENT(0), ARGUMENT(1)); }
