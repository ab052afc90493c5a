/* Sockets that see or make whole packets. Those of netlink are raw by name alone. */
#define FAMILY_NETLINK 16
#define FAMILY_PACKET 17
#define TYPE_RAW 3
ON_CALL(socket)
{
	u64 family = ARGUMENT(0), type = ARGUMENT(1) & 15;
	if (family != FAMILY_PACKET && (type != TYPE_RAW || family == FAMILY_NETLINK))
		return 0;
	return send_call(RECORD_RAW_SOCKET, call->id, NUMBERS(family, type, ARGUMENT(2)), 0, 0);
}
