/* A handler that ends with 0 at once, without a C library: the least that a process can be. */
#if defined(__x86_64__)
void _start(void) { __asm__ volatile("mov $60, %eax\n\txor %edi, %edi\n\tsyscall"); }
#elif defined(__aarch64__)
void _start(void) { __asm__ volatile("mov x8, #93\n\tmov x0, #0\n\tsvc #0"); }
#else
#error "only x86-64 and arm64"
#endif
