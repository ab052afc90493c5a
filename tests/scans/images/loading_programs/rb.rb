require 'json'
ARGV.each { |n| require n }
maps=File.readlines('/proc/self/maps').select{|l| l.include?('/') && l.split[1].include?('x')}.map{|l| l[l.index('/')..].strip}
puts JSON.generate($LOADED_FEATURES.select{|f| f.start_with?('/')}+maps)
