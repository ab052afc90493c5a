/* A process handles page faults by itself, which holds the kernel where an exploit needs it. */
ON_CALL(userfaultfd) { return send_call(RECORD_PAGE_FAULT, call->id, NUMBERS(ARGUMENT(0), 0, 0), 0, 0); }
