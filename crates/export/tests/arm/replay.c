/* Reads observations from a file; writes outputs and actions to others. */
#include "board.h"
#include "policy.h"

int board_main(void) {
    const int points = board_open("points", 1), values = board_open("values", 5), actions = board_open("actions", 5);
    OBSERVATION observation[POLICY_INPUTS];
    OUTPUT outputs[POLICY_OUTPUTS];
    while (board_read(points, observation, sizeof observation)) {
        policy_outputs(observation, outputs);
        board_write(values, outputs, sizeof outputs);
#ifdef ACTION
        ACTION action[POLICY_OUTPUTS];
        policy_action(observation, action);
#else
        const int32_t action[1] = { policy_action(observation) };
#endif
        board_write(actions, action, sizeof action);
    }
    return 0;
}
