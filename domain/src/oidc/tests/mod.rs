//! One table per rule of the provider.
