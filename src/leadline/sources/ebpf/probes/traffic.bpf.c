/* What is said in clear: DNS questions and answers, heads of HTTP requests, greetings of SSH, server names of TLS. Only the
 * first bytes of a packet are looked at, and only what is one of these is sent. After socket.bpf.c, whose owners it uses. */
struct packet_record {
	struct record_head head;
	u8 peer[16];
	u16 peer_port, local_port, size, whole_size;
	u8 ip_version, protocol, unused[6];
	u8 payload[PACKET_BYTES];
};
LAYOUT(struct packet_record, packet_record)
#define PROTOCOL_UDP 17
#define PORT_DNS 53
#define PORT_MDNS 5353

static __always_inline u16 kind_of(u32 start, u8 sixth, u8 protocol, u16 peer_port, u16 local_port)
{
	if (peer_port == PORT_DNS || local_port == PORT_DNS || (protocol == PROTOCOL_UDP && peer_port == PORT_MDNS))
		return RECORD_DNS;
	if (protocol != PROTOCOL_TCP)
		return 0;
	if ((start & 0xffff) == 0x0316) /* a handshake of TLS 3.x */
		return sixth == 1 ? RECORD_TLS : 0;
	switch (start) {
	case 0x2d485353: /* SSH- */
		return RECORD_SSH;
	case 0x20544547: /* GET  */
	case 0x54534f50: /* POST */
	case 0x20545550: /* PUT  */
	case 0x44414548: /* HEAD */
	case 0x454c4544: /* DELE */
	case 0x4954504f: /* OPTI */
	case 0x43544150: /* PATC */
	case 0x4e4e4f43: /* CONN */
	case 0x43415254: /* TRAC */
	case 0x20495250: /* PRI  */
		return RECORD_HTTP;
	}
	return 0;
}
static __always_inline int on_packet(struct __sk_buff *packet, bool is_outgoing)
{
	u8 head[40];
	u32 payload;
	u8 protocol;
	if (bpf_skb_load_bytes(packet, 0, head, 20))
		return 1;
	u8 version = head[0] >> 4;
	if (version == 4) {
		payload = (head[0] & 15) * 4;
		protocol = head[9];
	} else if (version == 6) {
		if (bpf_skb_load_bytes(packet, 0, head, 40))
			return 1;
		payload = 40;
		protocol = head[6];
	} else {
		return 1;
	}
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return 1;
	__be16 ports[2];
	if (bpf_skb_load_bytes(packet, payload, ports, sizeof(ports)))
		return 1;
	u16 peer_port = bpf_ntohs(ports[is_outgoing ? 1 : 0]), local_port = bpf_ntohs(ports[is_outgoing ? 0 : 1]);
	if (protocol == PROTOCOL_TCP) {
		u8 offset;
		if (bpf_skb_load_bytes(packet, payload + 12, &offset, 1))
			return 1;
		payload += (offset >> 4) * 4;
	} else {
		payload += 8;
	}
	u8 start[6];
	if (bpf_skb_load_bytes(packet, payload, start, sizeof(start)))
		return 1;
	u16 kind = kind_of(start[0] | start[1] << 8 | start[2] << 16 | (u32)start[3] << 24, start[5], protocol, peer_port, local_port);
	if (!kind)
		return 1;
	struct bpf_sock *socket = packet->sk;
	if (socket)
		socket = bpf_sk_fullsock(socket);
	struct socket_owner *owner = socket ? bpf_sk_storage_get(&socket_owners, socket, 0, 0) : 0;
	if (!owner) {
		count(kind, COUNT_UNOWNED);
		return 1;
	}
	struct container *one = admitted(owner->ns_id);
	if (!one)
		return 1;
	u32 left = packet->len - payload, size = left > PACKET_BYTES - 1 ? PACKET_BYTES - 1 : left;
	size &= PACKET_BYTES - 1;
	struct packet_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		lose(kind, one);
		return 1;
	}
	if (size < 6 || bpf_skb_load_bytes(packet, payload, record->payload, size))
		goto discard;
	u64 key = mix(mix(mix(mix(kind, owner->ns_id), one->epoch), is_outgoing), owner->exe_id);
	if (kind == RECORD_HTTP || kind == RECORD_SSH) {
		/* Method and path without the query. */
#pragma clang loop unroll(disable)
		for (u32 i = 0; i < 128; i++) {
			u8 letter = record->payload[i];
			if (i >= size || letter == '?' || letter == '\r' || letter == '\n')
				break;
			key = mix(key, letter);
		}
		key = mix(key, is_outgoing ? peer_port : local_port);
	} else {
		/* The number of a question, and the random part of a greeting, are new each time. */
		u32 from = kind == RECORD_DNS ? (protocol == PROTOCOL_TCP ? 4 : 2) : 76;
#pragma clang loop unroll(disable)
		for (u32 i = 0; i < 256; i++) {
			u32 at = from + i;
			if (at >= size || at >= PACKET_BYTES)
				break;
			key = mix(key, record->payload[at]);
		}
		key = mix(key, (u64)peer_port << 32 | left);
	}
	if (is_repeated(kind, key) || !within_budget(one, 1, kind))
		goto discard;
	fill_owned(&record->head, kind, owner);
	record->head.flags |= (is_outgoing ? IS_OUTGOING : 0) | (left > PACKET_BYTES - 1 ? IS_CUT : 0);
	__builtin_memset(record->peer, 0, sizeof(record->peer));
	if (version == 4)
		__builtin_memcpy(record->peer, head + (is_outgoing ? 16 : 12), 4);
	else
		__builtin_memcpy(record->peer, head + (is_outgoing ? 24 : 8), 16);
	record->peer_port = peer_port;
	record->local_port = local_port;
	record->size = size;
	record->whole_size = left;
	record->ip_version = version;
	record->protocol = protocol;
	bpf_ringbuf_submit(record, wake());
	count(kind, COUNT_SENT);
	remember(key);
	return 1;
discard:
	bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 1;
}
SEC("cgroup_skb/egress") int on_egress(struct __sk_buff *packet) { return on_packet(packet, true); }
SEC("cgroup_skb/ingress") int on_ingress(struct __sk_buff *packet) { return on_packet(packet, false); }
