//! A reader of a run's events that writes TensorBoard's event files: `tensorboard --logdir runs` shows every run's curves.
//!
//! The format is TensorFlow's: records of length, masked CRC-32C of the length, data and masked CRC-32C of the data
//! (`tensorflow/core/lib/io/record_writer.h`), whose data are `Event` messages of protocol buffers
//! (`tensorflow/core/util/event.proto`). Only scalars are written.

use super::locked::LockedRun;
use super::log::or_warn;
use crate::events::{Event, EventReader};
use std::fs::File;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes every metric as a scalar named `STAGE/NAME`.
pub struct TensorBoard {
    file: Option<File>,
}

impl TensorBoard {
    /// A new event file of `run`; where it cannot be opened, the run continues without it.
    pub fn new(run: &LockedRun) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let name =
            format!("events.out.tfevents.{:010}.{host}.{}.{}", now.as_secs(), std::process::id(), now.subsec_nanos());
        let board = Self { file: or_warn(run.create_tensorboard_file(&name)) };
        board.append(&version_event(now));
        board
    }

    /// As with any log: a full disk must not end the run.
    fn append(&self, data: &[u8]) {
        if let Some(mut file) = self.file.as_ref() {
            let _ = file.write_all(&record(data));
        }
    }
}

impl EventReader for TensorBoard {
    fn read(&self, event: &Event) {
        let Event::Metric { stage, name, step, value } = event else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.append(&scalar_event(now, *step, &format!("{stage}/{name}"), *value as f32));
    }
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked_crc(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked_crc(data).to_le_bytes());
    bytes
}

fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// `Event { wall_time, file_version }`: the first record of a file.
fn version_event(time: Duration) -> Vec<u8> {
    let mut event = wall_time(time);
    event.extend(bytes_field(3, b"brain.Event:2"));
    event
}

/// `Event { wall_time, step, summary { value { tag, simple_value } } }`.
fn scalar_event(time: Duration, step: u64, tag: &str, value: f32) -> Vec<u8> {
    let mut inner = bytes_field(1, tag.as_bytes());
    inner.push(2 << 3 | 5);
    inner.extend(value.to_le_bytes());
    let mut event = wall_time(time);
    event.push(2 << 3);
    event.extend(variable_length(step));
    event.extend(bytes_field(5, &bytes_field(1, &inner)));
    event
}

fn wall_time(time: Duration) -> Vec<u8> {
    let mut bytes = vec![1 << 3 | 1];
    bytes.extend(time.as_secs_f64().to_le_bytes());
    bytes
}

/// A length-delimited field of protocol buffers.
fn bytes_field(field: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    bytes.extend(variable_length(data.len() as u64));
    bytes.extend(data);
    bytes
}

/// Seven bits a byte, the lowest first.
fn variable_length(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{TensorBoard, masked_crc, variable_length};
    use crate::events::{Event, EventReader};
    use crate::run::{LockedRun, RunFile};

    /// The records of a file, checked.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            let (crc, rest) = rest.split_at(4);
            assert_eq!(masked_crc(length).to_le_bytes(), crc);
            let (data, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let (crc, rest) = rest.split_at(4);
            assert_eq!(masked_crc(data).to_le_bytes(), crc);
            records.push(data.to_vec());
            bytes = rest;
        }
        records
    }

    #[test]
    fn scalars_are_written_as_tensorflow_does() {
        let folder = tempfile::tempdir().unwrap();
        let board = TensorBoard::new(&LockedRun::open(folder.path()).unwrap());
        let metric = |step, value| Event::Metric { stage: "fit".into(), name: "loss".into(), step, value };
        board.read(&metric(1, 0.5));
        board.read(&Event::Message { stage: "fit".into(), text: "no scalar".into() });
        board.read(&metric(300, 0.25));
        let file = std::fs::read_dir(folder.path().join(RunFile::TensorBoard.name())).unwrap().next().unwrap().unwrap();
        assert!(file.file_name().to_string_lossy().starts_with("events.out.tfevents."));
        let records = records(&std::fs::read(file.path()).unwrap());
        assert_eq!(records.len(), 3);
        assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
        // Behind the wall time: step 300, then a summary of 17 bytes with a value of 15: its tag and its number.
        let expected =
            [&[0x10, 0xac, 0x02, 0x2a, 17, 0x0a, 15, 0x0a, 8][..], b"fit/loss", &[0x15], &0.25_f32.to_le_bytes()];
        assert_eq!(records[2][9..], expected.concat());
    }

    #[test]
    fn numbers_take_the_fewest_bytes() {
        assert_eq!(variable_length(0), [0]);
        assert_eq!(variable_length(127), [127]);
        assert_eq!(variable_length(128), [0x80, 1]);
        assert_eq!(variable_length(u64::MAX).len(), 10);
        // The check value of CRC-32C, masked.
        assert_eq!(masked_crc(b"123456789"), 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
