/* Acts on observations from a file between two marks, for whoever counts the instructions between them. */
#include "board.h"
#include "policy.h"

__attribute__((noinline)) void count_begin(void) { __asm volatile(""); }
__attribute__((noinline)) void count_end(void) { __asm volatile(""); }

static volatile int sink;

int board_main(void) {
    const int points = board_open("points", 1);
    OBSERVATION observation[POLICY_INPUTS];
    while (board_read(points, observation, sizeof observation)) {
        count_begin();
#ifdef NOTHING
        sink = *(const volatile unsigned char *)observation;
#elif defined ACTION
        ACTION action[POLICY_OUTPUTS];
        policy_action(observation, action);
        sink = *(const volatile unsigned char *)action;
#else
        sink = policy_action(observation);
#endif
        count_end();
    }
    return 0;
}
