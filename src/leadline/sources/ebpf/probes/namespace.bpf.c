/* Namespaces left and entered. clone and clone3 with the flags of new namespaces count as unshare. */
#define NEW_NAMESPACES 0x7e020080
ON_CALL(unshare)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 ns_id = current_ns(task);
	if ((ARGUMENT(0) & NEW_MOUNTS) && !is_left_out(ns_id) && admitted(ns_id)) {
		u64 *before = bpf_task_storage_get(&leaving, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (before)
			*before = ns_id;
	}
	 return send_call(RECORD_NAMESPACE, call->id, NUMBERS(ARGUMENT(0), 1, 0), 0, 0);
}
ON_CALL(setns) { return send_call(RECORD_NAMESPACE, call->id, NUMBERS(ARGUMENT(1), 2, 0), 0, 0); }
#define NEW_BY_CLONE (NEW_NAMESPACES & ~0xffULL) /* the lowest byte is a signal there */
ON_CALL(clone)
{
	return ARGUMENT(0) & NEW_BY_CLONE ? send_call(RECORD_NAMESPACE, call->id, NUMBERS(ARGUMENT(0) & NEW_BY_CLONE, 3, 0), 0, 0) : 0;
}
ON_CALL(clone3)
{
	u64 flags = 0;
	bpf_probe_read_user(&flags, sizeof(flags), TEXT(0));
	return flags & NEW_NAMESPACES ? send_call(RECORD_NAMESPACE, call->id, NUMBERS(flags & NEW_NAMESPACES, 3, 0), 0, 0) : 0;
}
