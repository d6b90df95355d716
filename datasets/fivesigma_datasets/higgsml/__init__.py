"""HiggsML: find H→ττ among Z→ττ, top pairs and W+jets (Kaggle 2014)."""
