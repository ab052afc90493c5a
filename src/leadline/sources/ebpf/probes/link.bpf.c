/* Soft and hard links, as they were asked for: the call may fail. */
ON_CALL(symlink) { return send_call(RECORD_LINK, call->id, NUMBERS(1, 0, 0), TEXT(0), TEXT(1)); }
ON_CALL(symlinkat) { return send_call(RECORD_LINK, call->id, NUMBERS(1, 0, 0), TEXT(0), TEXT(2)); }
ON_CALL(link) { return send_call(RECORD_LINK, call->id, NUMBERS(0, 0, 0), TEXT(0), TEXT(1)); }
ON_CALL(linkat) { return send_call(RECORD_LINK, call->id, NUMBERS(0, 0, 0), TEXT(1), TEXT(3)); }
