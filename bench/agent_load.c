/* Loads for bench/agent.py. Prints what it did and the processor time that each call took.
 *
 * exec RATE SECONDS PROGRAM [varied] | make FOLDER FILES | opens RATE SECONDS FOLDER FILES | calls NUMBER | pairs NUMBER FILE | mix SECONDS FOLDER */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}
static double processor(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
static void until(double moment)
{
	double left;
	while ((left = moment - now()) > 0)
		usleep(left > .002 ? left * 9e5 : 50);
}
static void start(const char *program, const char *argument)
{
	pid_t child;
	char *words[] = { (char *)program, (char *)argument, 0 }, *environment[] = { 0 };
	if (!posix_spawn(&child, program, 0, 0, words, environment))
		waitpid(child, 0, 0);
}
static struct sockaddr_in local(int port)
{
	struct sockaddr_in address = { AF_INET, htons(port), { htonl(0x7f000001) } };
	return address;
}
static void ask_name(void)
{
	static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3foo\3bar\0\0\1\0\1";
	int one = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in address = local(53);
	sendto(one, question, sizeof(question) - 1, 0, (void *)&address, sizeof(address));
	close(one);
}
static void ask_server(void)
{
	static const char request[] = "GET /shop HTTP/1.0\r\nHost: shop.example\r\n\r\n";
	int one = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = local(18080);
	if (!connect(one, (void *)&address, sizeof(address)) && write(one, request, sizeof(request) - 1) < 0)
		perror("write");
	close(one);
}
static pid_t serve(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in address = local(18080);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind(listener, (void *)&address, sizeof(address));
	listen(listener, 512);
	pid_t child = fork();
	if (child)
		return child;
	for (;;) {
		char buffer[300];
		int peer = accept(listener, 0, 0);
		if (peer < 0 || read(peer, buffer, sizeof(buffer)) < 0 || write(peer, "HTTP/1.0 200 OK\r\n\r\n", 19) < 0)
			_exit(0);
		close(peer);
	}
}

int main(int count, char **words)
{
	double began = now(), used = processor();
	long done = 0;
	char name[300], other[300];
	if (!strcmp(words[1], "exec")) {
		double rate = atof(words[2]), seconds = atof(words[3]);
		for (; now() < began + seconds; done++) {
			if (rate)
				until(began + done / rate);
			sprintf(name, "%ld", count > 5 ? done : 0);
			start(words[4], name);
		}
	} else if (!strcmp(words[1], "make")) {
		for (long files = atol(words[3]); done < files; done++) {
			sprintf(name, "%s/%ld", words[2], done / 1000);
			if (!(done % 1000))
				mkdir(name, 0755);
			sprintf(name, "%s/%ld/%ld", words[2], done / 1000, done);
			close(open(name, O_CREAT | O_WRONLY, 0644));
		}
	} else if (!strcmp(words[1], "opens")) {
		double rate = atof(words[2]), seconds = atof(words[3]);
		for (long files = atol(words[5]); now() < began + seconds; done++) {
			if (rate && !(done & 15))
				until(began + done / rate);
			sprintf(name, "%s/%ld/%ld", words[4], done % files / 1000, done % files);
			int one = open(name, O_RDONLY);
			if (one < 0)
				return 2;
			close(one);
		}
	} else if (!strcmp(words[1], "calls")) {
		for (long calls = atol(words[2]); done < calls; done++)
			syscall(SYS_getppid);
	} else if (!strcmp(words[1], "pairs")) {
		for (long pairs = atol(words[2]); done < pairs; done++)
			close(open(words[3], O_RDONLY));
	} else { /* per second: 1000 opens, 110 requests, 10 programs, 2 names, 10 soft and 10 hard links */
		pid_t server = serve();
		for (double seconds = atof(words[2]); now() < began + seconds; done++) {
			until(began + done / 100.);
			for (int i = 0; i < 10; i++) {
				sprintf(name, "%s/0/%ld", words[3], (done * 10 + i) % 1000);
				int one = open(name, O_RDONLY);
				if (one >= 0)
					close(one);
			}
			ask_server();
			if (!(done % 10)) {
				start("/bin/true", "x");
				ask_server();
				sprintf(name, "%s/link", words[3]);
				sprintf(other, "%s/0/1", words[3]);
				if (symlink("/etc/hosts", name) || unlink(name) || link(other, name) || unlink(name))
					perror("link");
			}
			if (!(done % 50))
				ask_name();
		}
		kill(server, SIGKILL);
		waitpid(server, 0, 0);
	}
	double took = now() - began;
	printf("{\"done\": %ld, \"per_s\": %.0f, \"ns_each\": %.1f}\n", done, done / took, (processor() - used) / done * 1e9);
	return 0;
}
