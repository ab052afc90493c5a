/* Who connects to whom, TCP and UDP, IPv4 and IPv6; and whose socket it is, for the probe of packets. */
enum direction { CONNECTS = 1, SENDS, RECEIVES, LISTENS, ACCEPTS };
LAYOUT(enum direction, direction)
struct socket_record {
	struct record_head head;
	u64 net_id;
	u8 address[16];
	u16 family, protocol, port, local_port;
	u32 direction, unused;
};
LAYOUT(struct socket_record, socket_record)
#define TCP_ESTABLISHED 1
#define TCP_SYN_RECV 3
#define TCP_LISTEN 10
#define PROTOCOL_TCP 6

static __always_inline void own(struct socket_owner *owner, u64 ns_id)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	owner->ns_id = ns_id;
	owner->exe_id = exe_id(task);
	owner->pid = bpf_get_current_pid_tgid() >> 32;
	owner->tid = bpf_get_current_pid_tgid();
	owner->uid = bpf_get_current_uid_gid();
	owner->gid = bpf_get_current_uid_gid() >> 32;
	owner->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(owner->program, sizeof(owner->program));
}
static __always_inline void fill_owned(struct record_head *head, u16 kind, const struct socket_owner *owner)
{
	head->at_ns = bpf_ktime_get_boot_ns();
	head->ns_id = owner->ns_id;
	head->exe_id = owner->exe_id;
	head->kind = kind;
	head->flags = owner->ns_id == host_ns_id ? IS_HOST : 0;
	head->pid = owner->pid;
	head->tid = owner->tid;
	head->parent_pid = owner->parent_pid;
	head->uid = owner->uid;
	head->gid = owner->gid;
	__builtin_memcpy(head->program, owner->program, sizeof(head->program));
}
static __always_inline void send_socket(struct socket_record *record, const struct socket_owner *owner)
{
	struct container *one = admitted(owner->ns_id);
	if (!one)
		return;
	u64 *words = (u64 *)record->address;
	u64 key = mix(mix(mix(RECORD_SOCKET, owner->ns_id), one->epoch), owner->exe_id);
	key = mix(mix(mix(key, words[0]), words[1]), (u64)record->port << 32 | record->local_port);
	key = mix(key, (u64)record->protocol << 32 | record->direction);
	if (is_repeated(RECORD_SOCKET, key) || !within_budget(one, 1, RECORD_SOCKET))
		return;
	fill_owned(&record->head, RECORD_SOCKET, owner);
	if (record->direction <= SENDS)
		record->head.flags |= IS_OUTGOING;
	if (!emit(&record->head, sizeof(*record), one))
		remember(key);
}
static __always_inline int on_address(struct bpf_sock_addr *call, bool is_ipv6, u32 direction)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 ns_id = ns_of(task);
	if (is_left_out(ns_id))
		return 1;
	struct socket_owner owner = {}, *kept = 0;
	own(&owner, ns_id);
	struct bpf_sock *socket = call->sk;
	if (socket)
		kept = bpf_sk_storage_get(&socket_owners, socket, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u32 began_by = 0;
	if (kept) {
		began_by = kept->began_by;
		owner.began_by = began_by ? began_by : direction;
		*kept = owner;
		if (direction == RECEIVES && began_by && began_by != RECEIVES)
			return 1; /* an answer to what it sent */
	}
	struct socket_record record = {};
	record.family = call->family;
	record.protocol = call->protocol;
	record.port = bpf_ntohs(call->user_port);
	record.direction = direction;
	record.net_id = BPF_CORE_READ(task, nsproxy, net_ns, net_cookie);
	if (direction == RECEIVES || began_by == RECEIVES) {
		record.port = 0; /* the peer chose it, one for each of its sockets */
		if (socket)
			record.local_port = socket->src_port;
	}
	u32 *words = (u32 *)record.address;
	if (is_ipv6) {
		words[0] = call->user_ip6[0];
		words[1] = call->user_ip6[1];
		words[2] = call->user_ip6[2];
		words[3] = call->user_ip6[3];
	} else {
		words[0] = call->user_ip4;
	}
	send_socket(&record, &owner);
	return 1;
}
SEC("cgroup/connect4") int on_connect4(struct bpf_sock_addr *call) { return on_address(call, false, CONNECTS); }
SEC("cgroup/connect6") int on_connect6(struct bpf_sock_addr *call) { return on_address(call, true, CONNECTS); }
SEC("cgroup/sendmsg4") int on_sendmsg4(struct bpf_sock_addr *call) { return on_address(call, false, SENDS); }
SEC("cgroup/sendmsg6") int on_sendmsg6(struct bpf_sock_addr *call) { return on_address(call, true, SENDS); }
SEC("cgroup/recvmsg4") int on_recvmsg4(struct bpf_sock_addr *call) { return on_address(call, false, RECEIVES); }
SEC("cgroup/recvmsg6") int on_recvmsg6(struct bpf_sock_addr *call) { return on_address(call, true, RECEIVES); }

/* To listen is a call of a process. To be connected to happens in an interrupt, where the process that runs is any one. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, const struct sock *socket, const int before, const int now)
{
	bool accepts = before == TCP_SYN_RECV && now == TCP_ESTABLISHED;
	if (now != TCP_LISTEN && !accepts)
		return 0;
	struct socket_owner *owner = 0, listener = {};
	if (accepts) {
		owner = bpf_sk_storage_get(&socket_owners, (void *)socket, 0, 0);
	} else {
		u64 ns_id = ns_of((void *)bpf_get_current_task());
		if (is_left_out(ns_id))
			return 0;
		own(&listener, ns_id);
		owner = bpf_sk_storage_get(&socket_owners, (void *)socket, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (owner)
			*owner = listener;
	}
	if (!owner) {
		count(RECORD_SOCKET, COUNT_UNOWNED);
		return 0;
	}
	struct socket_record record = {};
	record.family = BPF_CORE_READ(socket, __sk_common.skc_family);
	record.protocol = PROTOCOL_TCP;
	record.local_port = BPF_CORE_READ(socket, __sk_common.skc_num);
	record.direction = accepts ? ACCEPTS : LISTENS;
	record.net_id = BPF_CORE_READ(socket, __sk_common.skc_net.net, net_cookie);
	if (record.family == FAMILY_IPV4) {
		u32 address = accepts ? BPF_CORE_READ(socket, __sk_common.skc_daddr) : BPF_CORE_READ(socket, __sk_common.skc_rcv_saddr);
		*(u32 *)record.address = address;
	} else if (accepts) {
		BPF_CORE_READ_INTO(&record.address, socket, __sk_common.skc_v6_daddr);
	} else {
		BPF_CORE_READ_INTO(&record.address, socket, __sk_common.skc_v6_rcv_saddr);
	}
	struct socket_owner copy = *owner;
	send_socket(&record, &copy);
	return 0;
}
