/* Another root folder, as it was asked for. */
ON_CALL(chroot) { return send_call(RECORD_ROOT, call->id, NUMBERS(1, 0, 0), TEXT(0), 0); }
ON_CALL(pivot_root) { return send_call(RECORD_ROOT, call->id, NUMBERS(2, 0, 0), TEXT(0), 0); }
