/* Users and groups changed, as they were asked for. Which call it was is above the first id. */
#define ID(call, id) ((u64)(call) << 32 | (u32)(id))
ON_CALL(setuid) { return send_call(RECORD_IDENTITY, call->id, NUMBERS(ID(0, ARGUMENT(0)), -1, -1), 0, 0); }
ON_CALL(setreuid) { return send_call(RECORD_IDENTITY, call->id, NUMBERS(ID(1, ARGUMENT(0)), ARGUMENT(1), -1), 0, 0); }
ON_CALL(setresuid) { return send_call(RECORD_IDENTITY, call->id, NUMBERS(ID(2, ARGUMENT(0)), ARGUMENT(1), ARGUMENT(2)), 0, 0); }
ON_CALL(setgid) { return send_call(RECORD_IDENTITY, call->id, NUMBERS(ID(3, ARGUMENT(0)), -1, -1), 0, 0); }
