//! How fast faery decodes and encodes: a line of WORK, FORMAT, SECONDS, PATH and OUT between tabs on standard input is answered by a line of
//! JSON: `{"mode": …, "rates": […], "events": …}` in million events a second, a rate for each pass over the file, or
//! `{"absent": why}`. Decoding is into faery's own buffers, which it uses again: its fastest mode. What it decodes is
//! added up, so that no work is left out.
#![allow(dead_code)]

use std::io::{BufRead, Write};
use std::time::Instant;

extern "C" {
    /// Processor time of this process in microseconds, of C's library.
    fn clock() -> std::ffi::c_long;
}

/// Seconds of the clock that BENCH_CLOCK names: the processor time of this process, or the time of day.
fn now(begun: &Instant) -> f64 {
    match std::env::var("BENCH_CLOCK").as_deref() {
        Ok("processor") => unsafe { clock() as f64 / 1e6 },
        _ => begun.elapsed().as_secs_f64(),
    }
}

/// The parts of the crate of this name that the formats need, with faery's names and layout.
mod neuromorphic_types {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(u8)]
    pub enum Polarity {
        Off = 0,
        On = 1,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(u8)]
    pub enum AtisPolarity {
        Off = 0,
        On = 1,
        ExposureStart = 2,
        ExposureEnd = 3,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(u8)]
    pub enum TriggerPolarity {
        Falling = 0,
        Rising = 1,
        Pulse = 2,
    }

    #[derive(Debug, Clone, Copy)]
    #[repr(C, packed)]
    pub struct PolarityEvent<T, X, Y> {
        pub t: T,
        pub x: X,
        pub y: Y,
        pub polarity: Polarity,
    }

    #[derive(Debug, Clone, Copy)]
    #[repr(C, packed)]
    pub struct AtisEvent<T, X, Y> {
        pub t: T,
        pub x: X,
        pub y: Y,
        pub polarity: AtisPolarity,
    }

    #[derive(Debug, Clone, Copy)]
    #[repr(C, packed)]
    pub struct TriggerEvent<T, I> {
        pub t: T,
        pub id: I,
        pub polarity: TriggerPolarity,
    }
}

/// What faery's utilities name of crates that the formats here do not use.
mod zstd {
    pub const DEFAULT_COMPRESSION_LEVEL: i32 = 3;
}

mod pyo3 {
    pub struct PyErr;

    impl PyErr {
        pub fn new<E, T>(_: T) -> PyErr {
            PyErr
        }
    }

    pub mod exceptions {
        pub struct PyRuntimeError;
    }
}

mod utilities {
    use crate::{pyo3, zstd};
    include!(concat!(env!("FAERY"), "/src/utilities.rs"));
}

macro_rules! format_of {
    ($name:ident, $($part:ident),+) => {
        mod $name {
            $(pub mod $part {
                #[allow(unused_imports)]
                use crate::neuromorphic_types;
                include!(concat!(env!("FAERY"), "/src/", stringify!($name), "/", stringify!($part), ".rs"));
            })+
        }
    };
}
format_of!(evt, common, decoder, encoder);
format_of!(dat, common, decoder, encoder);
format_of!(es, common, decoder, encoder);
format_of!(csv, decoder, encoder);

type Fault = Box<dyn std::error::Error>;
type Event = neuromorphic_types::PolarityEvent<u64, u16, u16>;

const CSV_SENSOR: (u16, u16) = (4096, 4096);

/// Every event of a file, given to `each` as it is decoded; returns the size of the sensor.
fn decode<F: FnMut(Event)>(format: &str, path: &str, mut each: F) -> Result<(u16, u16), Fault> {
    match format {
        "evt2" | "evt3" => {
            let mut decoder = evt::decoder::Decoder::new(path, Some((1280, 720)), None)?;
            let dimensions = decoder.dimensions;
            while let Some((events, _)) = decoder.next()? {
                events.iter().for_each(|event| each(*event));
            }
            Ok(dimensions)
        }
        "dat" => {
            let mut decoder = dat::decoder::Decoder::new(path, Some((1280, 720)), None)?;
            while let Some(events) = decoder.next()? {
                for event in events {
                    let polarity = if event.payload & 1 == 1 {
                        neuromorphic_types::Polarity::On
                    } else {
                        neuromorphic_types::Polarity::Off
                    };
                    each(Event { t: event.t, x: event.x, y: event.y, polarity });
                }
            }
            match decoder.event_type {
                dat::common::Type::Event2d(width, height) | dat::common::Type::EventCd(width, height) => {
                    Ok((width, height))
                }
                dat::common::Type::EventExtTrigger => Ok((1280, 720)),
            }
        }
        "es" => {
            let mut decoder = es::decoder::Decoder::new(path, 0)?;
            while let Some(packet) = decoder.next()? {
                if let es::decoder::Packet::Dvs(events) = packet {
                    events.iter().for_each(|event| each(*event));
                }
            }
            Ok((640, 480))
        }
        "csv" => {
            let file = std::io::BufReader::new(std::fs::File::open(path)?);
            let mut decoder = csv::decoder::Decoder::new(
                csv::decoder::Input::File(file),
                csv::decoder::Properties::new(
                    CSV_SENSOR, true, b',', 0, 1, 2, 3, 0.0, 0, b"1".to_vec(), b"0".to_vec(),
                )?,
                false,
            )?;
            while let Some(events) = decoder.next()? {
                events.iter().for_each(|event| each(*event));
            }
            Ok(CSV_SENSOR)
        }
        _ => Err(format!("no {format} without crates that are not built here").into()),
    }
}

/// Writes events; the file is closed when this returns.
fn encode(format: &str, out: &str, sensor: (u16, u16), events: &[Event]) -> Result<(), Fault> {
    match format {
        "evt2" | "evt3" => {
            let version = evt::common::Version::from_string(format)?;
            let mut encoder = evt::encoder::Encoder::new(out, version, false, sensor, true)?;
            for event in events {
                encoder.write_dvs_event(*event)?;
            }
        }
        "dat" => {
            let cd = dat::common::Type::EventCd(sensor.0, sensor.1);
            let mut encoder = dat::encoder::Encoder::new(out, dat::common::Version::Dat2, false, cd)?;
            for &Event { t, x, y, polarity } in events {
                encoder.write(dat::common::Event { t, x, y, payload: polarity as u8 })?;
            }
        }
        "es" => {
            let mut encoder = es::encoder::DvsEncoder::new(out, false, sensor)?;
            for event in events {
                encoder.write(*event)?;
            }
        }
        "csv" => {
            let file = csv::encoder::Output::File(std::io::BufWriter::new(std::fs::File::create(out)?));
            let mut encoder = csv::encoder::Encoder::new(file, b',', true, sensor, true)?;
            for event in events {
                encoder.write(*event)?;
            }
        }
        _ => return Err(format!("no {format} without crates that are not built here").into()),
    }
    Ok(())
}

fn measured(words: &[&str]) -> Result<String, Fault> {
    let [work, format, seconds, path, rest @ ..] = words else {
        return Err("expected WORK FORMAT SECONDS PATH [OUT]".into());
    };
    let seconds: f64 = seconds.parse()?;
    let mut events = Vec::new();
    let sensor = decode(format, path, |event| events.push(event))?;
    if *work == "encode" {
        // Encoders refuse a time that goes back.
        let mut last = 0;
        for event in &mut events {
            last = last.max(event.t);
            event.t = last;
        }
    }
    let mut rates = Vec::new();
    let begun = Instant::now();
    while rates.len() < 3 || begun.elapsed().as_secs_f64() < seconds {
        let start = now(&begun);
        if *work == "encode" {
            encode(format, rest[0], sensor, &events)?;
        } else {
            let (mut count, mut sum) = (0u64, 0u64);
            decode(format, path, |event| {
                count += 1;
                sum = sum.wrapping_add(event.t ^ event.x as u64 ^ event.y as u64);
            })?;
            std::hint::black_box(sum);
            if count != events.len() as u64 {
                return Err("passes differ".into());
            }
        }
        rates.push(events.len() as f64 / (now(&begun) - start) / 1e6);
    }
    let rates = rates.iter().map(|rate| format!("{rate:.3}")).collect::<Vec<_>>().join(",");
    let mode = if *work == "encode" { "to a file" } else { "buffers used again" };
    Ok(format!("{{\"mode\":\"{mode}\",\"rates\":[{rates}],\"events\":{}}}", events.len()))
}

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split('\t').collect();
        match measured(&words) {
            Ok(answer) => println!("{answer}"),
            Err(fault) => println!("{{\"absent\":{:?}}}", fault.to_string()),
        }
        let _ = std::io::stdout().flush();
    }
}
