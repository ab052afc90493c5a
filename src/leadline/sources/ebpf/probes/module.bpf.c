/* Kernel modules loaded or removed. A kernel without modules has no such calls. */
ON_CALL(init_module) { return send_call(RECORD_MODULE, call->id, NUMBERS(0, 0, 0), 0, 0); }
ON_CALL(finit_module) { return send_call(RECORD_MODULE, call->id, NUMBERS(0, 0, 0), 0, 0); }
ON_CALL(delete_module) { return send_call(RECORD_MODULE, call->id, NUMBERS(1, 0, 0), TEXT(0), 0); }
