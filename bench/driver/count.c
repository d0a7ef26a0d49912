/* count steps through the main thread of a program, up to its exec of another one or its end, and prints how many instructions
 * it executed there and how many of them were CPUID, which a hypervisor answers in microseconds:
 *
 *   count MOST PROGRAM [ARG]...
 *
 * It stops the program at MOST instructions, as a step takes microseconds. Other threads run freely and are not counted. Its exit status is 1 where it cannot trace, or the program ends with another
 * status than 0; 69 on machines other than x86-64. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

static void die(const char *what) {
	fprintf(stderr, "count: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void become(char **argv) {
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		die("ptrace");
	execv(argv[0], argv);
	die(argv[0]);
}

/* at_cpuid looks at the instruction that is next. The pages of the program do not change, so that each is read once. */
static int at_cpuid(int memory, uint64_t address) {
	enum { SIZE = 4096, PAGES = 1 << 15 };
	static unsigned char *pages[PAGES];
	static uint64_t numbers[PAGES];
	uint64_t number = address / SIZE, slot = number % PAGES, offset = address % SIZE;
	if (!pages[slot] || numbers[slot] != number) {
		if (!pages[slot] && !(pages[slot] = malloc(SIZE)))
			die("memory");
		numbers[slot] = number;
		if (pread(memory, pages[slot], SIZE, number * SIZE) != SIZE)
			memset(pages[slot], 0, SIZE); /* the kernel's own */
	}
	return offset + 1 < SIZE && pages[slot][offset] == 0x0f && pages[slot][offset + 1] == 0xa2;
}

/* step goes one instruction further and returns the wait status. */
static int step(pid_t child, int signal) {
	int status;
	if (ptrace(PTRACE_SINGLESTEP, child, 0, signal) || waitpid(child, &status, __WALL) < 0)
		die("step");
	return status;
}

static int is_exec(int status) { return status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8); }

static int count(pid_t child, int memory, unsigned long most) {
	unsigned long instructions = 0, cpuids = 0;
	int signal = 0, status;
	do {
		struct user_regs_struct registers;
		if (ptrace(PTRACE_GETREGS, child, 0, &registers))
			die("registers");
		if (!signal)
			instructions++, cpuids += at_cpuid(memory, registers.rip);
		status = step(child, signal);
		signal = WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;
	} while (WIFSTOPPED(status) && !is_exec(status) && instructions < most);
	printf("%lu %lu\n", instructions, cpuids);
	if (instructions >= most)
		return 0; /* and the kernel ends the program */
	if (!WIFSTOPPED(status))
		return !WIFEXITED(status) || WEXITSTATUS(status);
	ptrace(PTRACE_DETACH, child, 0, 0);
	waitpid(child, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

int main(int argc, char **argv) {
	char file[64];
	int status;
	pid_t child = argc > 2 ? fork() : (errno = EINVAL, -1);
	if (child < 0)
		die("no program");
	if (child == 0)
		become(argv + 2);
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
		return 1;
	if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		die("ptrace");
	snprintf(file, sizeof file, "/proc/%d/mem", child);
	int memory = open(file, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		die(file);
	return count(child, memory, strtoul(argv[1], NULL, 10));
}

#else

int main(void) {
	fprintf(stderr, "count: only x86-64 can be counted\n");
	return 69;
}

#endif
