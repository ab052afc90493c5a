/* A process looks into another one, or writes to it. */
ON_CALL(ptrace) { return send_call(RECORD_PTRACE, call->id, NUMBERS(ARGUMENT(0), ARGUMENT(1), 0), 0, 0); }
ON_CALL(process_vm_writev) { return send_call(RECORD_PTRACE, call->id, NUMBERS(-1, ARGUMENT(0), 0), 0, 0); }
