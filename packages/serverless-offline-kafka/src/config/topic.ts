/** A topic that a mapping may name: Kafka's letters, and no dot in front [CloudFormation, Topics]. */
export const TOPIC_PATTERN = /^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}$/;
