//! Cross-compiling for a microcontroller and running there, in QEMU.

use crate::common::{has, run};
use kanrl_export::fixed::{Fixed, Word};
use kanrl_export::{Contract, Scalar, Target};
use kanrl_symbolic::{ActionRule, Format};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A processor, and a board of QEMU's that has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Core {
    /// Without floating point or a division.
    M0,
    /// With single precision.
    M4F,
}

impl Core {
    pub fn name(self) -> &'static str {
        match self {
            Self::M0 => "Cortex-M0",
            Self::M4F => "Cortex-M4F",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::M0 => &["-mcpu=cortex-m0", "-mthumb"],
            Self::M4F => &["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
        }
    }

    fn machine(self) -> &'static str {
        match self {
            Self::M0 => "microbit",
            Self::M4F => "mps2-an386",
        }
    }
}

/// Whether there are a compiler and an emulator.
pub fn is_installed() -> bool {
    has("arm-none-eabi-gcc", "--version", "CI") && has("qemu-system-arm", "--version", "CI")
}

/// A program on a board, in a folder of its own.
pub struct Board {
    core: Core,
    folder: tempfile::TempDir,
}

/// `kind` of number as C has it, with how many bytes it has.
fn types(scalar: Scalar) -> [(&'static str, usize); 3] {
    match scalar {
        Scalar::Double => [("double", 8), ("double", 8), ("float", 4)],
        Scalar::Float => [("float", 4), ("float", 4), ("float", 4)],
        Scalar::Fixed(Word::Q15) => [("int16_t", 2), ("int32_t", 4), ("int16_t", 2)],
        Scalar::Fixed(Word::Q31) => [("int32_t", 4), ("int64_t", 8), ("int32_t", 4)],
    }
}

impl Board {
    /// Compiles `program` (`replay.c`, `loop.c`, `count.c`) with a policy of these files.
    pub fn new(core: Core, program: &str, scalar: Scalar, files: &[(String, Vec<u8>)], defines: &[&str]) -> Self {
        let board = Self { core, folder: tempfile::tempdir().expect("a folder") };
        for (name, bytes) in files {
            std::fs::write(board.path(name), bytes).expect("written");
        }
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/arm");
        let [observation, output, action] = types(scalar).map(|(name, _)| name);
        let gcc = || {
            let mut command = Command::new("arm-none-eabi-gcc");
            command
                .args(core.flags())
                .args(["-Os", "-ffunction-sections", "-fdata-sections"])
                .current_dir(board.folder.path());
            command
        };
        let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-c", "policy.c"];
        run(gcc().args(strict));
        let mut command = gcc();
        command.arg("-std=gnu99").arg("-nostartfiles").arg("-I").arg(board.folder.path()).arg("-I").arg(&own);
        command.args([format!("-DOBSERVATION={observation}"), format!("-DOUTPUT={output}")]);
        if defines.contains(&"ACTION") {
            command.arg(format!("-DACTION={action}"));
        }
        command.args(defines.iter().filter(|define| **define != "ACTION").map(|define| format!("-D{define}")));
        command.arg(own.join("board.c")).arg(own.join(program)).arg("policy.o");
        command.arg("-Wl,--gc-sections").arg("-T").arg(own.join("board.ld"));
        run(command.args(["--specs=nano.specs", "--specs=nosys.specs", "-lm", "-o", "board.elf"]));
        board
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn qemu(&self) -> Command {
        let mut command = Command::new("qemu-system-arm");
        command.args([
            "-M",
            self.core.machine(),
            "-kernel",
            "board.elf",
            "-display",
            "none",
            "-monitor",
            "none",
            "-serial",
            "none",
        ]);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs the program to its end; it reads and writes files of its folder.
    pub fn run(&self) {
        run(self.qemu().args(["-semihosting-config", "enable=on,target=native"]));
    }

    /// Starts a program that reads the pipe `observations` and writes the pipe `chosen`.
    pub fn start(&self) -> (Child, File, File) {
        // QEMU's own console loses what is read while it waits.
        run(Command::new("mkfifo").args(["observations", "chosen"]).current_dir(self.folder.path()));
        let mut command = self.qemu();
        let child = command.args(["-semihosting-config", "enable=on,target=native"]).stdin(Stdio::null()).spawn();
        let to = File::options().write(true).open(self.path("observations")).expect("a pipe");
        (child.expect("QEMU starts"), to, File::open(self.path("chosen")).expect("a pipe"))
    }

    /// Instructions that the policy takes for each of the observations in `points`.
    pub fn instructions(&self) -> Vec<usize> {
        let log = ["-singlestep", "-d", "exec,nochain", "-D", "log"];
        run(self.qemu().args(["-semihosting-config", "enable=on,target=native"]).args(log));
        let text = std::fs::read_to_string(self.path("log")).expect("QEMU's log");
        let (mut counts, mut count) = (Vec::new(), None);
        for function in text.lines().filter_map(|line| line.split_whitespace().last()) {
            match function {
                "count_begin" => count = Some(0),
                "count_end" => counts.extend(count.take()),
                // What the caller does for the call is not the policy's.
                "board_main" => {}
                _ => count = count.map(|count| count + 1),
            }
        }
        counts
    }

    /// Bytes of code and constants.
    pub fn size(&self) -> usize {
        let text = run(Command::new("arm-none-eabi-size").arg("board.elf").current_dir(self.folder.path()));
        let line = text.lines().nth(1).expect("a line of sizes");
        let sizes: Vec<usize> = line.split_whitespace().take(2).map(|size| size.parse().expect("a size")).collect();
        sizes[0] + sizes[1]
    }
}

/// The files of a policy in C.
pub fn files(contract: &Contract, scalar: Scalar) -> Vec<(String, Vec<u8>)> {
    let target = Target { format: Format::C.into(), scalar };
    let files = target.files(contract, None).unwrap_or_else(|error| panic!("{}: {error}", contract.formula));
    files.into_iter().map(|file| (file.name, file.bytes)).collect()
}

/// What `replay.c` and `count.c` have to know of a policy.
pub fn defines(contract: &Contract) -> &'static [&'static str] {
    if matches!(contract.formula.action(), ActionRule::Clip { .. }) { &["ACTION"] } else { &[] }
}

/// Observations as bytes of the board's own numbers.
pub fn observations(contract: &Contract, scalar: Scalar, points: &[f64]) -> Vec<u8> {
    let inputs = contract.formula.inputs().len();
    match scalar {
        Scalar::Double => points.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Scalar::Float => points.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
        Scalar::Fixed(word) => {
            let fixed = Fixed::new(&contract.formula, &contract.ranges(), word).expect("bounded");
            let size = word.bits() as usize / 8;
            let raw = points.chunks_exact(inputs).flat_map(|row| fixed.observe(row));
            raw.flat_map(|value| value.to_le_bytes()[..size].to_vec()).collect()
        }
    }
}

/// Numbers of so many bytes each: whole ones, or floats.
pub fn numbers(bytes: &[u8], size: usize, whole: bool) -> Vec<f64> {
    let number = |bytes: &[u8]| match (size, whole) {
        (2, _) => f64::from(i16::from_le_bytes(bytes.try_into().expect("2 bytes"))),
        (4, true) => f64::from(i32::from_le_bytes(bytes.try_into().expect("4 bytes"))),
        (4, false) => f64::from(f32::from_le_bytes(bytes.try_into().expect("4 bytes"))),
        (_, true) => i64::from_le_bytes(bytes.try_into().expect("8 bytes")) as f64,
        (_, false) => f64::from_le_bytes(bytes.try_into().expect("8 bytes")),
    };
    bytes.chunks_exact(size).map(number).collect()
}

/// The sizes of outputs and actions.
pub fn sizes(scalar: Scalar, is_vector: bool) -> [usize; 2] {
    let [_, output, action] = types(scalar).map(|(_, size)| size);
    [output, if is_vector { action } else { 4 }]
}
