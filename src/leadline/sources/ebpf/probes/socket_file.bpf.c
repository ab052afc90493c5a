/* Connections to sockets that are files, such as that of a container runtime. */
ON_CALL(connect)
{
	u16 family = 0;
	char first = 0;
	const char *address = TEXT(1);
	if (bpf_probe_read_user(&family, sizeof(family), address) || family != FAMILY_UNIX)
		return 0;
	if (bpf_probe_read_user(&first, sizeof(first), address + sizeof(family)) || !first)
		return 0; /* an abstract one has no file */
	return send_call(RECORD_SOCKET_FILE, call->id, NUMBERS(0, 0, 0), address + sizeof(family), 0);
}
