/* Requests of io_uring: what is opened or connected to by them passes no other probe of calls. Since 6.0. */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_io_uring, struct io_kiocb *request)
{
	return send_call(RECORD_IO_URING, -1, NUMBERS(BPF_CORE_READ(request, opcode), 0, 0), 0, 0);
}
