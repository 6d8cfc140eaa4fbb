"""NATS-Bench's size space: costs of all as a stream, scores of a sample, and what they say."""
