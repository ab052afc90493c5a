/* BPF programs loaded. */
#define LOAD_PROGRAM 5
ON_CALL(bpf) { return ARGUMENT(0) == LOAD_PROGRAM ? send_call(RECORD_BPF, call->id, NUMBERS(ARGUMENT(0), 0, 0), 0, 0) : 0; }
