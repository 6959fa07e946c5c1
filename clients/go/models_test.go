package flowpact

import (
	"encoding/json"
	"testing"
)

func TestFieldsOfFormsAreReadByTheirTypeAndWrittenAgain(t *testing.T) {
	kinds := map[string]func(FormField) bool{
		`{"label":"A","max_length":200,"name":"a","type":"email"}`:                            func(field FormField) bool { return field.FormTextField != nil },
		`{"integer":true,"label":"A","min":1,"name":"a","type":"number"}`:                     func(field FormField) bool { return field.FormNumberField != nil },
		`{"label":"A","min_date":"2026-11-22","name":"a","type":"date"}`:                      func(field FormField) bool { return field.FormDateField != nil },
		`{"label":"A","name":"a","options":[{"label":"X","value":"x"}],"type":"select"}`:      func(field FormField) bool { return field.FormSelectField != nil },
		`{"label":"A","name":"a","options":[{"label":"X","value":"x"}],"type":"multiselect"}`: func(field FormField) bool { return field.FormMultiselectField != nil },
		`{"label":"A","name":"a","type":"checkbox"}`:                                          func(field FormField) bool { return field.FormCheckboxField != nil },
	}
	for given, isKind := range kinds {
		var field FormField
		if err := json.Unmarshal([]byte(given), &field); err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		if !isKind(field) {
			t.Errorf("%s was read as another kind of field", given)
		}
		if written := encoded(field); written != given {
			t.Errorf("%s was written as %s", given, written)
		}
	}
}
