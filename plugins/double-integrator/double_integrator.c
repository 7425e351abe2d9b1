// A block on a rail without friction, pushed back to the middle by a bounded force: the double integrator.
//
// Observation: position x [m] and velocity v [m/s]. Action: force u [N], clipped to [-1, 1]. Each step of 0.05 s solves
// m x'' = u exactly. Reward: -(x^2 + 0.1 v^2 + 0.001 u^2), of the state before the step. Starts at x uniform in
// [-1, 1], v uniform in [-0.5, 0.5]; terminates where |x| > 5 m. Arguments: {"mass": 1.0} in kg.

#include "kanrl_plugin.h"

#include <math.h>
#include <stdlib.h>

#define TIME_STEP 0.05
#define RAIL 5.0
#define WIDTH 600
#define HEIGHT 200

// One instance: everything that `create` makes and `destroy` frees.
typedef struct {
  double state[2]; // x, v
  double mass;
  uint64_t random;
  KanrlParameter parameter;
  KanrlFrame frame;
  uint8_t pixels[WIDTH * HEIGHT * 3];
} Block;

// What is fixed: the same for every instance, so it lives in the library.

static const KanrlCoordinate OBSERVATION[] = {
    {sizeof(KanrlCoordinate), KANRL_TEXT("x"), KANRL_TEXT("position on the rail"), KANRL_TEXT("m"), -INFINITY, INFINITY},
    {sizeof(KanrlCoordinate), KANRL_TEXT("x_dot"), KANRL_TEXT("velocity"), KANRL_TEXT("m/s"), -INFINITY, INFINITY},
};
static const KanrlCoordinate ACTION[] = {
    {sizeof(KanrlCoordinate), KANRL_TEXT("force"), KANRL_TEXT("push to the right"), KANRL_TEXT("N"), -1.0, 1.0},
};
static const KanrlSpec SPEC = {
    .size = sizeof(KanrlSpec),
    .observation = OBSERVATION,
    .observation_count = 2,
    .observation_type = KANRL_FLOAT64,
    .action = ACTION,
    .action_count = 1,
    .action_type = KANRL_FLOAT32,
    .max_episode_steps = 200,
    .frames_per_second = 20,
};

// Arguments are a JSON object. This one has a single key, so a few lines read it; with more, use a JSON library.
static int read_mass(KanrlText arguments, double *mass) {
  char text[128], *end;
  if (arguments.length >= sizeof text) return 0;
  memcpy(text, arguments.data, arguments.length);
  text[arguments.length] = '\0';
  const char *at = text;
  at += strspn(at, " \t\r\n");
  if (*at++ != '{') return 0;
  at += strspn(at, " \t\r\n");
  if (*at == '}') return at[1 + strspn(at + 1, " \t\r\n")] == '\0';
  if (strncmp(at, "\"mass\"", 6) != 0) return 0;
  at += 6;
  at += strspn(at, " \t\r\n");
  if (*at++ != ':') return 0;
  *mass = strtod(at, &end);
  if (end == at || !(isfinite(*mass) && *mass > 0.0)) return 0;
  end += strspn(end, " \t\r\n");
  if (*end++ != '}') return 0;
  return end[strspn(end, " \t\r\n")] == '\0';
}

static int32_t create(const void *data, KanrlText arguments, void **instance, KanrlError *error) {
  (void)data;
  Block *block = calloc(1, sizeof *block);
  if (!block) return kanrl_fail(error, KANRL_ERROR, "out of memory");
  block->mass = 1.0;
  if (!read_mass(arguments, &block->mass)) {
    free(block);
    return kanrl_fail(error, KANRL_BAD_ARGUMENTS, "expected {\"mass\": M} with M > 0 in kg");
  }
  *instance = block;
  return KANRL_OK;
}

static void destroy(void *instance) { free(instance); }

static int32_t spec(void *instance, const KanrlSpec **spec, KanrlError *error) {
  (void)instance, (void)error;
  *spec = &SPEC;
  return KANRL_OK;
}

// Uniform in [low, high): SplitMix64, whose state belongs to the instance. rand() would be shared by all of them.
static double uniform(Block *block, double low, double high) {
  uint64_t z = block->random += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static int32_t reset(void *instance, const uint64_t *seed, double *observation, KanrlError *error) {
  (void)error;
  Block *block = instance;
  if (seed) block->random = *seed;
  block->state[0] = uniform(block, -1.0, 1.0);
  block->state[1] = uniform(block, -0.5, 0.5);
  memcpy(observation, block->state, sizeof block->state);
  return KANRL_OK;
}

static int32_t step(void *instance, const KanrlActions *actions, double *observation, KanrlOutcome *outcome,
                    KanrlError *error) {
  (void)error;
  Block *block = instance;
  // Policies send float32; a recording may hold float64.
  double force = actions->float32 ? (double)actions->float32[0] : actions->float64[0];
  force = fmax(-1.0, fmin(1.0, force));
  double x = block->state[0], v = block->state[1], acceleration = force / block->mass;
  block->state[0] = x + v * TIME_STEP + 0.5 * acceleration * TIME_STEP * TIME_STEP;
  block->state[1] = v + acceleration * TIME_STEP;
  memcpy(observation, block->state, sizeof block->state);
  outcome->reward = -(x * x + 0.1 * v * v + 0.001 * force * force);
  outcome->terminated = fabs(block->state[0]) > RAIL;
  outcome->truncated = 0; // the host counts the steps
  return KANRL_OK;
}

static int32_t state(void *instance, const double **values, size_t *count, KanrlError *error) {
  (void)error;
  *values = ((Block *)instance)->state;
  *count = 2;
  return KANRL_OK;
}

static int32_t parameters(void *instance, const KanrlParameter **parameters, size_t *count, KanrlError *error) {
  (void)error;
  Block *block = instance;
  block->parameter = (KanrlParameter){sizeof(KanrlParameter), KANRL_TEXT("mass"), KANRL_TEXT("kg"), block->mass};
  *parameters = &block->parameter;
  *count = 1;
  return KANRL_OK;
}

static int32_t set_parameter(void *instance, KanrlText name, double value, KanrlError *error) {
  if (name.length != 4 || memcmp(name.data, "mass", 4) != 0) return KANRL_UNKNOWN_PARAMETER;
  if (!(isfinite(value) && value > 0.0)) return kanrl_fail(error, KANRL_ERROR, "the mass must be above 0 kg");
  ((Block *)instance)->mass = value;
  return KANRL_OK;
}

static void fill(Block *block, int left, int top, int width, int height, const uint8_t color[3]) {
  for (int y = top < 0 ? 0 : top; y < top + height && y < HEIGHT; y++)
    for (int x = left < 0 ? 0 : left; x < left + width && x < WIDTH; x++)
      memcpy(&block->pixels[(y * WIDTH + x) * 3], color, 3);
}

static int32_t render(void *instance, const KanrlFrame **frame, KanrlError *error) {
  static const uint8_t WHITE[3] = {255, 255, 255}, GRAY[3] = {120, 120, 120}, GREEN[3] = {60, 150, 90},
                       BLUE[3] = {50, 90, 170};
  (void)error;
  Block *block = instance;
  int center = (int)(WIDTH / 2 + block->state[0] * (WIDTH / 2 - 40) / 2.0);
  fill(block, 0, 0, WIDTH, HEIGHT, WHITE);
  fill(block, 0, 140, WIDTH, 4, GRAY);
  fill(block, WIDTH / 2 - 2, 144, 4, 24, GREEN);
  fill(block, center - 30, 90, 60, 50, BLUE);
  block->frame = (KanrlFrame){sizeof(KanrlFrame), WIDTH, HEIGHT, block->pixels};
  *frame = &block->frame;
  return KANRL_OK;
}

static const KanrlEnvironment ENVIRONMENTS[] = {{
    .size = sizeof(KanrlEnvironment),
    .id = KANRL_TEXT("DoubleIntegrator-v0"),
    .summary = KANRL_TEXT("push a block on a rail to the middle and stop it there"),
    .default_arguments = KANRL_TEXT("{\"mass\": 1.0}"),
    .arguments_schema = KANRL_TEXT("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"mass\": "
                                   "{\"type\": \"number\", \"exclusiveMinimum\": 0, \"description\": \"kg\"}}}"),
    .create = create,
    .destroy = destroy,
    .spec = spec,
    .reset = reset,
    .step = step,
    .state = state,
    .parameters = parameters,
    .set_parameter = set_parameter,
    .render = render,
    .hints = KANRL_TEXT("{\"masses\": [\"mass\"], \"time_steps\": []}"),
}};

static int32_t environments(const KanrlEnvironment **first, size_t *count, KanrlError *error) {
  (void)error;
  *first = ENVIRONMENTS;
  *count = 1;
  return KANRL_OK;
}

KANRL_EXPORT const KanrlPlugin kanrl_plugin = {
    .size = sizeof(KanrlPlugin),
    .abi_version = KANRL_ABI_VERSION,
    .name = KANRL_TEXT("double-integrator"),
    .version = KANRL_TEXT("0.1.0"),
    .environments = environments,
};
