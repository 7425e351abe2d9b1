/* A controller: an observation from one pipe, an action of one byte to another, again and again. */
#include "board.h"
#include "policy.h"

int board_main(void) {
    const int in = board_open("observations", 1), out = board_open("chosen", 5);
    OBSERVATION observation[POLICY_INPUTS];
    while (board_read(in, observation, sizeof observation)) {
        const unsigned char action = (unsigned char)policy_action(observation);
        board_write(out, &action, 1);
    }
    return 0;
}
