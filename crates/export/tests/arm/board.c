#include "board.h"

extern uint32_t board_stack[], board_data[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];

void board_reset(void);

__attribute__((section(".vectors"), used)) static void *const board_vectors[2] = { board_stack, (void *)board_reset };

static int call(int operation, const void *argument) {
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

int board_open(const char *name, int mode) {
    int length = 0;
    while (name[length] != '\0') {
        length++;
    }
    const uintptr_t arguments[3] = { (uintptr_t)name, (uintptr_t)mode, (uintptr_t)length };
    return call(0x01, arguments);
}

int board_read(int file, void *data, int size) {
    char *at = data;
    while (size > 0) {
        const uintptr_t arguments[3] = { (uintptr_t)file, (uintptr_t)at, (uintptr_t)size };
        const int left = call(0x06, arguments);
        if (left < 0 || left >= size) {
            return 0;
        }
        at += size - left;
        size = left;
    }
    return 1;
}

void board_write(int file, const void *data, int size) {
    const uintptr_t arguments[3] = { (uintptr_t)file, (uintptr_t)data, (uintptr_t)size };
    (void)call(0x05, arguments);
}

void board_reset(void) {
#ifdef __ARM_FP
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* the floating-point unit is off after a reset */
    __asm volatile("dsb\n\tisb");
#endif
    for (uint32_t *to = board_data_start, *from = board_data; to < board_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = board_bss_start; to < board_bss_end;) {
        *to++ = 0;
    }
    const uintptr_t code = board_main() == 0 ? 0x20026u : 0x20023u;
    (void)call(0x18, (const void *)code);
    for (;;) {
    }
}
