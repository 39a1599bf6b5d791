/** Families that are not part of this version, with what they are. Source: command-line.md 10 */
export const LATER: Readonly<Record<string, string>> = {
  'kafka-outlet': 'Kafka outlets',
  'kafka-inlet': 'Kafka inlets',
  'kafka-consumer': 'Kafka inlets',
  'kafka-producer': 'Kafka inlets',
  'influxdb-outlet': 'leases of InfluxDB tokens',
  'influxdb-inlet': 'leases of InfluxDB tokens',
  lease: 'leases of InfluxDB tokens',
  sidecar: 'sidecars',
  share: 'sharing by invitation',
  subscription: 'subscriptions',
  admin: 'the administration of subscriptions',
};
