/* File systems mounted, as they were asked for. */
ON_CALL(mount) { return send_call(RECORD_MOUNT, call->id, NUMBERS(ARGUMENT(3), 0, 0), TEXT(0), TEXT(1)); }
ON_CALL(move_mount) { return send_call(RECORD_MOUNT, call->id, NUMBERS(ARGUMENT(4), 0, 0), TEXT(1), TEXT(3)); }
