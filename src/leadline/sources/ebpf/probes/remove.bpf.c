/* Files and folders removed, renamed or made, as they were asked for: the call may fail. */
#define REMOVE_FOLDER 0x200
enum { REMOVES_FILE = 1, REMOVES_FOLDER, MAKES_FOLDER };
ON_CALL(unlink) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(REMOVES_FILE, 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(unlinkat) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(ARGUMENT(2) & REMOVE_FOLDER ? REMOVES_FOLDER : REMOVES_FILE, 0, 0), ARGUMENT(0), TEXT(1), NO_PATH, 0); }
ON_CALL(rmdir) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(REMOVES_FOLDER, 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(mkdir) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(MAKES_FOLDER, 0, 0), CURRENT_FOLDER, TEXT(0), NO_PATH, 0); }
ON_CALL(mkdirat) { return send_paths(RECORD_REMOVE, call->id, NUMBERS(MAKES_FOLDER, 0, 0), ARGUMENT(0), TEXT(1), NO_PATH, 0); }
ON_CALL(rename) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), CURRENT_FOLDER, TEXT(0), CURRENT_FOLDER, TEXT(1)); }
ON_CALL(renameat) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), ARGUMENT(0), TEXT(1), ARGUMENT(2), TEXT(3)); }
ON_CALL(renameat2) { return send_paths(RECORD_RENAME, call->id, NUMBERS(0, 0, 0), ARGUMENT(0), TEXT(1), ARGUMENT(2), TEXT(3)); }
