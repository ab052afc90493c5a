/* Soft and hard links, as they were asked for: the call may fail. */
ON_CALL(symlink) { return send_paths(RECORD_LINK, call->id, NUMBERS(1, 0, 0), NO_PATH, TEXT(0), CURRENT_FOLDER, TEXT(1)); }
ON_CALL(symlinkat) { return send_paths(RECORD_LINK, call->id, NUMBERS(1, 0, 0), NO_PATH, TEXT(0), ARGUMENT(1), TEXT(2)); }
ON_CALL(link) { return send_paths(RECORD_LINK, call->id, NUMBERS(0, 0, 0), CURRENT_FOLDER, TEXT(0), CURRENT_FOLDER, TEXT(1)); }
ON_CALL(linkat) { return send_paths(RECORD_LINK, call->id, NUMBERS(0, 0, 0), ARGUMENT(0), TEXT(1), ARGUMENT(2), TEXT(3)); }
