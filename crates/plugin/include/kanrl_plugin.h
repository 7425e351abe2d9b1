// The C ABI between kanrl and a plugin that adds environments. See plugins/README.md for a walk-through.
//
// Generated from crates/plugin/src/abi.rs. To change it, change that file and run
//     KANRL_UPDATE_HEADER=1 cargo test -p kanrl-plugin --test header

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Version of this ABI. A host refuses a plugin of another version. Fields that are appended to a table do not change
// it: `size` tells which fields a table has.
#define KANRL_ABI_VERSION 1

// Bit of `KanrlPlugin.flags`: no two calls into the plugin may run at once, not even for different instances.
#define KANRL_FLAG_ONE_CALL_AT_A_TIME 1

// Returned by a function that did what it was asked.
#define KANRL_OK 0

// Returned by a function that failed, with a message in its `error`.
#define KANRL_ERROR 1

// Returned by `create` for arguments that it cannot use, with a message.
#define KANRL_BAD_ARGUMENTS 2

// Returned by `set_parameter` for a name that `parameters` does not list.
#define KANRL_UNKNOWN_PARAMETER 3

// Returned by `render` where there is nothing to draw.
#define KANRL_NO_RENDERING 4

// Returned after a Rust panic was caught, with its message. The instance answers nothing but `destroy` from then on.
#define KANRL_PANIC 5

// Returned by `create` for an environment that this machine cannot run, such as one whose package is not installed, with a
// message that says what it needs. A check skips it.
#define KANRL_UNAVAILABLE 6

// Numbers of this space are float32 values, carried in double without loss.
#define KANRL_FLOAT32 0

// Numbers of this space are double.
#define KANRL_FLOAT64 1

// UTF-8 text with its length in bytes; no terminating zero is needed. In C, `KANRL_TEXT("literal")` initializes one.
typedef struct KanrlText {
  // The bytes; may be null where `length` is 0.
  const char *data;
  // Their number.
  size_t length;
} KanrlText;

// Where a function that fails says why. The host owns it; `kanrl_fail` fills it from C.
typedef struct KanrlError {
  // `sizeof(KanrlError)` as the host knows it.
  size_t size;
  // Room for UTF-8 text.
  char *text;
  // Bytes that fit there.
  size_t capacity;
  // Bytes that the plugin wrote, at most `capacity`; 0 when the call begins.
  size_t length;
} KanrlError;

// One coordinate of an observation or of a vector action.
typedef struct KanrlCoordinate {
  // `sizeof(KanrlCoordinate)`; the same for every element of an array.
  size_t size;
  // ASCII identifier, unique in its space: the variable's name in formulas (`theta_dot`).
  struct KanrlText name;
  // What it measures, in a few words; may be empty.
  struct KanrlText description;
  // SI unit (`m`, `rad/s`), `1` where it has none.
  struct KanrlText unit;
  // Lower bound; `-INFINITY` where there is none.
  double low;
  // Upper bound; `INFINITY` where there is none.
  double high;
} KanrlCoordinate;

// What is fixed about an instance. Lives until the instance is destroyed.
typedef struct KanrlSpec {
  // `sizeof(KanrlSpec)`.
  size_t size;
  // The observation's coordinates.
  const struct KanrlCoordinate *observation;
  // Their number, at least 1.
  size_t observation_count;
  // The names of the discrete actions (`push left`), or null for a vector action.
  const struct KanrlText *discrete_actions;
  // Their number; 0 for a vector action.
  size_t discrete_action_count;
  // The vector action's coordinates, or null for discrete actions.
  const struct KanrlCoordinate *action;
  // Their number; 0 for discrete actions.
  size_t action_count;
  // Names of the numbers that `info` writes, or null.
  const struct KanrlText *info_names;
  // Their number.
  size_t info_count;
  // Mean return at which the task counts as solved; read where `has_reward_threshold` is not 0.
  double reward_threshold;
  // Whether there is a `reward_threshold`: 0 or 1.
  uint32_t has_reward_threshold;
  // Steps after which the host truncates an episode; 0 for no limit. The plugin need not count.
  uint32_t max_episode_steps;
  // Frames per second of a video in real time, at least 1.
  uint32_t frames_per_second;
  // `KANRL_FLOAT32` or `KANRL_FLOAT64`.
  uint32_t observation_type;
  // `KANRL_FLOAT32` or `KANRL_FLOAT64`: the element type of a vector action.
  uint32_t action_type;
} KanrlSpec;

// Actions, one row after the other. Exactly one of the three pointers is not null.
//
// The host has checked them: an index is below the number of discrete actions, numbers are finite (they may lie beyond
// the bounds).
typedef struct KanrlActions {
  // `sizeof(KanrlActions)` as the host knows it.
  size_t size;
  // Number of actions.
  size_t rows;
  // `[rows]` indices of discrete actions.
  const size_t *discrete;
  // `[rows, action_count]` numbers, row-major: what policies send.
  const float *float32;
  // `[rows, action_count]` numbers, row-major: what a recording may hold.
  const double *float64;
} KanrlActions;

// The outcome of a step, apart from the observation. This one never grows.
typedef struct KanrlOutcome {
  // The reward.
  double reward;
  // Whether the episode ended by the task's own rules: 0 or 1.
  uint8_t terminated;
  // Whether it was cut off from outside, by more than `max_episode_steps`: 0 or 1.
  uint8_t truncated;
} KanrlOutcome;

// A named constant that the host may change, such as a mass.
typedef struct KanrlParameter {
  // `sizeof(KanrlParameter)`; the same for every element of an array.
  size_t size;
  // ASCII identifier.
  struct KanrlText name;
  // SI unit.
  struct KanrlText unit;
  // The current value.
  double value;
} KanrlParameter;

// An RGB picture, 8 bits a channel, row-major from the top left.
typedef struct KanrlFrame {
  // `sizeof(KanrlFrame)`.
  size_t size;
  // Pixels in a row.
  size_t width;
  // Rows.
  size_t height;
  // `height * width * 3` bytes.
  const uint8_t *rgb;
} KanrlFrame;

// One kind of environment. Lives as long as the library; functions after `step` may be null.
//
// An instance may move between threads, one call at a time; two instances may be called at once, unless the plugin
// sets `KANRL_FLAG_ONE_CALL_AT_A_TIME`. What a function hands out by pointer belongs to the plugin and must stay valid
// until the next call on the same instance.
typedef struct KanrlEnvironment {
  // `sizeof(KanrlEnvironment)`; the same for every element of an array.
  size_t size;
  // The id that configs name (`DoubleIntegrator-v0`).
  struct KanrlText id;
  // One line about it.
  struct KanrlText summary;
  // The default arguments: a JSON object.
  struct KanrlText default_arguments;
  // A JSON schema of the arguments; may be empty.
  struct KanrlText arguments_schema;
  // Handed to `create`; the host does not look at it.
  const void *data;
  // Makes an instance from arguments: a JSON object. The host refuses keys that are neither in `default_arguments` nor among
  // the `properties` of `arguments_schema`, unless that schema has `additionalProperties`. May be called on
  // several threads at once, unless the flag says otherwise.
  int32_t (*create)(const void *data, struct KanrlText arguments, void **instance, struct KanrlError *error);
  // Frees an instance.
  void (*destroy)(void *instance);
  // Points to what is fixed about an instance.
  int32_t (*spec)(void *instance, const struct KanrlSpec **spec, struct KanrlError *error);
  // Starts an episode and writes the first observation `[observation_count]`. `seed` begins a new random sequence;
  // where it is null, the old one goes on.
  int32_t (*reset)(void *instance, const uint64_t *seed, double *observation, struct KanrlError *error);
  // Takes the one action of `actions` and writes the observation `[observation_count]` and the outcome.
  int32_t (*step)(void *instance,
                  const struct KanrlActions *actions,
                  double *observation,
                  struct KanrlOutcome *outcome,
                  struct KanrlError *error);
  // Optional. One step in each of `actions->rows` instances: instance `i` takes action `i` and writes row `i` of
  // `observations` and of `outcomes`. On failure `*done` is the number of instances that were stepped before it.
  // Without it the host calls `step` for each.
  int32_t (*step_lanes)(void *const *instances,
                        const struct KanrlActions *actions,
                        double *observations,
                        struct KanrlOutcome *outcomes,
                        size_t *done,
                        struct KanrlError *error);
  // Optional. Takes the actions one after the other in one instance until the episode ends, writing a row of
  // `observations` and of `outcomes` for each; `*done` is the number of steps taken. Without it the host calls `step`.
  int32_t (*step_chunk)(void *instance,
                        const struct KanrlActions *actions,
                        double *observations,
                        struct KanrlOutcome *outcomes,
                        size_t *done,
                        struct KanrlError *error);
  // Optional. Writes the numbers of the last step that `info_names` lists, `[info_count]`.
  int32_t (*info)(void *instance, double *info, struct KanrlError *error);
  // Optional. Points to the full physical state.
  int32_t (*state)(void *instance, const double **values, size_t *count, struct KanrlError *error);
  // Optional. Points to the constants that `set_parameter` changes.
  int32_t (*parameters)(void *instance,
                        const struct KanrlParameter **parameters,
                        size_t *count,
                        struct KanrlError *error);
  // Optional. Changes a named constant; it holds until it is set again, across resets.
  int32_t (*set_parameter)(void *instance, struct KanrlText name, double value, struct KanrlError *error);
  // Optional. Points to a picture of the current state.
  int32_t (*render)(void *instance, const struct KanrlFrame **frame, struct KanrlError *error);
  // Optional. What the environment asks of a run whose config says nothing: a JSON object with any of `polish_steps`,
  // `refine_tolerance`, `masses` and `time_steps` (names of parameters).
  struct KanrlText hints;
} KanrlEnvironment;

// What a plugin exports under the symbol `kanrl_plugin`: data, so that a host can look at `size` and `abi_version`
// before any code of the plugin runs. These two stay in place in every version of the ABI.
typedef struct KanrlPlugin {
  // `sizeof(KanrlPlugin)`.
  size_t size;
  // `KANRL_ABI_VERSION`.
  uint32_t abi_version;
  // `KANRL_FLAG_ONE_CALL_AT_A_TIME` or 0.
  uint32_t flags;
  // The plugin's name, for error messages.
  struct KanrlText name;
  // The plugin's own version.
  struct KanrlText version;
  // Points to the plugin's environments. Called once, before anything else.
  int32_t (*environments)(const struct KanrlEnvironment **environments, size_t *count, struct KanrlError *error);
} KanrlPlugin;

// Initializes a KanrlText from a string literal.
#define KANRL_TEXT(literal) { (literal), sizeof(literal) - 1 }

// Puts a message (zero-terminated UTF-8) into `error` and returns `status`: `return kanrl_fail(error, KANRL_ERROR, "…");`
static inline int32_t kanrl_fail(KanrlError *error, int32_t status, const char *message) {
  size_t length = strlen(message);
  if (length > error->capacity) length = error->capacity;
  memcpy(error->text, message, length);
  error->length = length;
  return status;
}

#ifdef _WIN32
#define KANRL_EXPORT __declspec(dllexport)
#else
#define KANRL_EXPORT __attribute__((visibility("default")))
#endif

// What a plugin defines: `KANRL_EXPORT const KanrlPlugin kanrl_plugin = { sizeof(KanrlPlugin), KANRL_ABI_VERSION, … };`
#ifdef __cplusplus
extern "C"
#else
extern
#endif
KANRL_EXPORT const KanrlPlugin kanrl_plugin;
