/* rounds times commands side by side: in every round each of them once, in a new random order.
 *
 * It is in C and small because a process that it starts can never show a smaller peak of resident memory than its own.
 *
 * Standard input describes the work, one word and its value a line, values up to the line feed:
 *
 *   rounds N         how many rounds are reported; if they are many, one more before them is not
 *   limit SECONDS    what runs longer is killed
 *   env NAME=VALUE   before the first row: for every command
 *   row              begins a command, numbered from 0
 *   env NAME=VALUE   for it and what runs around it
 *   in FILE          its standard input (/dev/null)
 *   arg WORD         program and arguments
 *   before, after    the arg lines after it are of a command that runs there untimed
 *
 * Standard output has one line a sample: row, round, wall-clock nanoseconds, the peak of resident memory in KiB, and the wait
 * status; after one other than 0 nothing more is run. Its exit status is 1 if it cannot go on. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct words {
	char **all;
	size_t n;
};

enum { TIMED, BEFORE, AFTER, COMMANDS };
enum { MANY = 20 };

struct row {
	struct words args[COMMANDS], env;
	char *in;
};

struct sample {
	long long wall;
	long memory;
	int status;
};

static void die(const char *what) {
	fprintf(stderr, "rounds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *grow(void *memory, size_t size) {
	if (!(memory = realloc(memory, size)))
		die("memory");
	return memory;
}

/* add keeps the list ended by a null pointer, as execve wants it. */
static void add(struct words *w, char *word) {
	w->all = grow(w->all, (w->n + 2) * sizeof *w->all);
	w->all[w->n++] = word;
	w->all[w->n] = NULL;
}

static struct row *begin(struct row *rows, size_t n, const struct words *common) {
	rows = grow(rows, (n + 1) * sizeof *rows);
	rows[n] = (struct row){.in = "/dev/null"};
	for (size_t i = 0; i < common->n; i++)
		add(&rows[n].env, common->all[i]);
	return rows;
}

/* set stores a line of a row; command says which of its commands an arg line is of. */
static void set(struct row *r, int *command, const char *word, char *value) {
	if (!strcmp(word, "arg"))
		add(&r->args[*command], value);
	else if (!strcmp(word, "env"))
		add(&r->env, value);
	else if (!strcmp(word, "before"))
		*command = BEFORE;
	else if (!strcmp(word, "after"))
		*command = AFTER;
	else if (!strcmp(word, "in"))
		r->in = value;
	else
		errno = EINVAL, die(word);
}

/* next takes a line off the text, and takes it apart. */
static char *next(char **text, char **value) {
	char *line = *text;
	size_t length = strcspn(line, "\n");
	if (!line[length])
		return NULL;
	line[length] = 0;
	*text = line + length + 1;
	*value = line + strcspn(line, " ");
	if (**value)
		*(*value)++ = 0;
	return line;
}

static struct row *describe(char *text, size_t *n, long *rounds, unsigned *limit) {
	struct row *rows = NULL;
	struct words common = {0};
	int command = TIMED;
	char *word, *value;
	while ((word = next(&text, &value))) {
		if (!strcmp(word, "rounds"))
			*rounds = atol(value);
		else if (!strcmp(word, "limit"))
			*limit = atoi(value);
		else if (!strcmp(word, "row"))
			rows = begin(rows, (*n)++, &common), command = TIMED;
		else if (*n == 0)
			add(&common, value);
		else
			set(&rows[*n - 1], &command, word, value);
	}
	return rows;
}

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static volatile pid_t running;

static void stop(int signal) {
	(void)signal;
	kill(running, SIGKILL);
}

/* run starts one command, waits for its end, and adds what it took. */
static void run(struct row *r, int command, unsigned limit, const posix_spawn_file_actions_t *files, struct sample *s) {
	pid_t pid;
	int status;
	struct rusage used;
	long long begun = now();
	errno = posix_spawn(&pid, r->args[command].all[0], files, NULL, r->args[command].all, r->env.all);
	if (errno)
		die(r->args[command].all[0]);
	running = pid;
	alarm(limit);
	if (wait4(pid, &status, 0, &used) < 0)
		die("wait4");
	s->wall += now() - begun;
	alarm(0);
	s->memory = used.ru_maxrss > s->memory ? used.ru_maxrss : s->memory;
	s->status = s->status ? s->status : status;
}

static struct sample measure(struct row *r, unsigned limit) {
	struct sample s = {0}, untimed = {0};
	posix_spawn_file_actions_t none, files;
	posix_spawn_file_actions_init(&none);
	posix_spawn_file_actions_addopen(&none, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&none, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, r->in, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (r->args[BEFORE].n)
		run(r, BEFORE, limit, &none, &untimed);
	run(r, TIMED, limit, &files, &s);
	if (r->args[AFTER].n)
		run(r, AFTER, limit, &none, &untimed);
	s.status = s.status ? s.status : untimed.status;
	posix_spawn_file_actions_destroy(&none);
	posix_spawn_file_actions_destroy(&files);
	return s;
}

static void shuffle(size_t *order, size_t n) {
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = rand() % (i + 1), swapped = order[i];
		order[i] = order[j];
		order[j] = swapped;
	}
}

int main(void) {
	size_t n = 0;
	long rounds = 0;
	unsigned limit = 0;
	char *text = NULL; /* in one piece: the words of a long order are many */
	size_t size = 0;
	if (getdelim(&text, &size, 0, stdin) < 0)
		die("standard input");
	struct row *rows = describe(text, &n, &rounds, &limit);
	size_t *order = grow(NULL, (n + 1) * sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (sigaction(SIGALRM, &(struct sigaction){.sa_handler = stop, .sa_flags = SA_RESTART}, NULL))
		die("sigaction");
	for (long round = rounds < MANY ? 0 : -1; n && round < rounds; round++) { /* the first fills the caches */
		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			struct row *r = &rows[order[i]];
			struct sample s = measure(r, limit);
			if (round >= 0 || s.status)
				printf("%zu %ld %lld %ld %d\n", order[i], round, s.wall, s.memory, s.status);
			if (s.status)
				return fflush(stdout) ? 1 : 0;
		}
	}
	return fflush(stdout) ? 1 : 0;
}
