/* Modes of files changed, as they were asked for. */
ON_CALL(chmod) { return send_paths(RECORD_MODE, call->id, NUMBERS(ARGUMENT(1), 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(fchmodat) { return send_paths(RECORD_MODE, call->id, NUMBERS(ARGUMENT(2), 0, 0), ARGUMENT(0), TEXT(1), NO_PATH, 0); }
ON_CALL(fchmodat2) { return send_paths(RECORD_MODE, call->id, NUMBERS(ARGUMENT(2), 0, 0), ARGUMENT(0), TEXT(1), NO_PATH, 0); }
ON_CALL(fchmod) { return send_paths(RECORD_MODE, call->id, NUMBERS(ARGUMENT(1), 0, 0), ARGUMENT(0), 0, NO_PATH, 0); }
