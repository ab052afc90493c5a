/* The program of the attacked container: it learns its profile with ordinary work, and has a hole by which a request runs as a shell script. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char request[1 << 16];

static void ordinary_work(void)
{
    static const char *files[] = {"/etc/hosts", "/etc/app.conf", "/usr/lib/app/page.html"};
    for (int i = 0; i < 3; i++) {
        int file = open(files[i], O_RDONLY);
        if (file >= 0)
            close(file);
    }
    int log = open("/var/log/app.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (log >= 0)
        close(log);
}

int main(void)
{
    signal(SIGCHLD, SIG_IGN);
    ordinary_work();
    mkfifo("/tmp/request", 0600);
    for (;;) {
        int pipe = open("/tmp/request", O_RDONLY);
        if (pipe < 0)
            return 1;
        size_t size = 0;
        ssize_t more;
        while ((more = read(pipe, request + size, sizeof request - 1 - size)) > 0)
            size += more;
        close(pipe);
        request[size] = 0;
        if (size && !fork()) {
            signal(SIGCHLD, SIG_DFL);
            execl("/bin/sh", "sh", "-c", request, (char *)0);
            _exit(127);
        }
    }
}
