export default function contractRules() {
  return { id: 'contract', rules: { oas3: {} } };
}
